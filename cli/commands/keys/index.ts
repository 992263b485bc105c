import { Command } from 'commander';
import { initCommand } from './init.js';
import { listCommand } from './list.js';
import { resealCommand } from './reseal.js';
import { retireCommand } from './retire.js';
import { addCommand, rotateCommand, useCommand } from './rotate.js';

/** Named in the order of a key's life. */
export const keysCommand = new Command('keys').description(
  'make, exchange and retire the keys that seal the store',
);

for (const command of [
  initCommand,
  listCommand,
  rotateCommand,
  addCommand,
  useCommand,
  resealCommand,
  retireCommand,
])
  keysCommand.addCommand(command);
