import { randomUUID } from 'node:crypto';

/**
 * Random UUIDs, every other one without dashes. None is all digits, as one in five million is: such a one cannot be
 * told from a number in groups.
 */
export function randomIds(count: number): string[] {
  const ids: string[] = [];
  while (ids.length < count) {
    const id = randomUUID();
    if (/[a-f]/.test(id)) ids.push(ids.length % 2 === 0 ? id : id.replaceAll('-', ''));
  }
  return ids;
}
