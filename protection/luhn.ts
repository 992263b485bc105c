/** Luhn checks (ISO/IEC 7812-1, annex B) of any stretch of some digits, each in constant time. */
export class LuhnSums {
  /** [p][i]: the sum of the first i digits when those at positions of parity p are doubled. */
  private readonly sums: [number[], number[]] = [[0], [0]];

  constructor(digits: readonly number[]) {
    digits.forEach((digit, i) => {
      const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
      this.sums[0].push((this.sums[0][i] ?? 0) + (i % 2 === 0 ? doubled : digit));
      this.sums[1].push((this.sums[1][i] ?? 0) + (i % 2 === 1 ? doubled : digit));
    });
  }

  /** Whether the digits from `start` to before `end` pass. */
  passes(start: number, end: number): boolean {
    const sums = this.sums[end % 2 === 0 ? 0 : 1]; // the last digit, at end - 1, is not doubled
    return ((sums[end] ?? 0) - (sums[start] ?? 0)) % 10 === 0;
  }
}
