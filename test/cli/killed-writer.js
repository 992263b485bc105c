import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { writeNewFile } from '../../dist/cli/new-file.js';

/** Writes half of a file and then waits to be killed. */
await writeNewFile(process.argv[2], async (out) => {
  await new Promise((resolve) => out.write('5186001700009726\n'.repeat(100_000), resolve));
  process.send('half');
  await setTimeout(60_000);
});
