import { describe, expect, it } from 'vitest';
import { measureAlternating, measureThereAndBack, median, medianRatio } from '../../bench/alternating.js';

describe('measuring in turns', () => {
  it('gives each candidate its turn in every round, and the first round does not count', async () => {
    const turns: string[] = [];
    const rates = await measureAlternating(
      { a: () => turns.push('a'), b: () => Promise.resolve(turns.push('b')) },
      { rounds: 3, sliceMs: 0 },
    );
    expect(turns.join('')).toMatch(/^a+b+a+b+a+b+a+b+$/);
    expect(rates.a).toHaveLength(3);
    expect(rates.b).toHaveLength(3);
  });

  it('goes there and back where it is asked to, and the first round does not count', async () => {
    const turns: string[] = [];
    const turn = (name: string) => (round: number) => {
      turns.push(name);
      return Promise.resolve(round);
    };
    const rates = await measureThereAndBack({ a: turn('a'), b: turn('b') }, 3);
    expect(turns.join('')).toBe('baabbaab');
    expect(rates).toEqual({ a: [1, 2, 3], b: [1, 2, 3] });
  });

  it('takes the figure in the middle, between the two where there are two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
  });

  it('compares round with round, so that a round that was slow for both says nothing', () => {
    expect(medianRatio([50, 5, 60], [100, 10, 100])).toBe(0.5);
  });
});
