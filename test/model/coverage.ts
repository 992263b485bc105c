/** What the runs came across, and how often. */
export class Coverage {
  private readonly counts = new Map<string, number>();

  met(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  missing(wanted: readonly string[]): string[] {
    return wanted.filter((what) => !this.counts.has(what));
  }

  table(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, times]) => `${String(times).padStart(6)}  ${what}`)
      .join('\n');
  }
}
