import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, by folder: begun last, it would run alone while the other cores wait. */
const HEAVY_FIRST = ['real', 'model', 'chaos', 'workflows', 'cli', 'dev', 'bulk'];

/** Begins with the files that take longest. */
export default class HeavyFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = HEAVY_FIRST.findIndex((folder) => moduleId.includes(`/test/${folder}/`));
      return place < 0 ? HEAVY_FIRST.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
