import { readFile, writeFile } from 'node:fs/promises';
import { describeCommands, WRITTEN_BELOW } from './cli-page.js';

const PAGE = 'docs/cli.md';

const [byHand] = (await readFile(PAGE, 'utf8')).split(WRITTEN_BELOW);
await writeFile(PAGE, `${byHand}${WRITTEN_BELOW}\n\n${describeCommands()}\n`);
