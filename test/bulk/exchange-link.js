import { renameSync, symlinkSync } from 'node:fs';
import process from 'node:process';

/** Lets a link lead to one place, then to another, until this process is ended. */
const [, , link, ...targets] = process.argv;
for (let turn = 0; ; turn += 1) {
  symlinkSync(targets[turn % targets.length], `${link}.next`);
  renameSync(`${link}.next`, link);
  if (turn === 10) process.send('exchanging');
}
