import { describe, expect, it } from 'vitest';
import { memoryExposures } from '../../protection/memory-exposures.js';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max core file size        ${soft.padEnd(20)} unlimited            bytes
Max open files            1024                 1048576              files
`;

describe('memoryExposures', () => {
  it('finds none where core dumps are off and Node has no options, nor where limits cannot be known', () => {
    expect(memoryExposures({ limits: limits('0'), options: ['--enable-source-maps', ''] })).toEqual([]);
    expect(memoryExposures({ limits: undefined, options: [] })).toEqual([]);
  });

  it.each(['unlimited', '1048576'])('reports core dumps with the limit %s, and what to set', (limit) => {
    const [told, ...others] = memoryExposures({ limits: limits(limit), options: [] });
    expect(told).toMatch(new RegExp(`^core dumps are on \\(limit ${limit}\\).*LimitCORE=0`));
    expect(others).toEqual([]);
  });

  it.each([
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--heapsnapshot-signal=SIGUSR2',
    '--heapsnapshot-near-heap-limit=2',
    '--heap-prof',
  ])('reports Node running with %s', (option) => {
    expect(memoryExposures({ limits: limits('0'), options: [option] })).toEqual([
      `Node runs with ${option.split('=')[0]}, which shows its memory to others: run it without`,
    ]);
  });
});
