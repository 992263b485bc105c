import { Command } from 'commander';
import { cancelCommand } from './cancel.js';
import { changeCommand } from './change.js';
import { pauseCommand } from './pause.js';
import { rejectsCommand } from './rejects.js';
import { reportCommand } from './report.js';
import { rerunCommand } from './rerun.js';
import { resumeCommand } from './resume.js';
import { startCommand } from './start.js';
import { statusCommand } from './status.js';
import { watchCommand } from './watch.js';

/** Named in the order of a job's life. */
export const bulkCommand = new Command('bulk').description('enroll a whole portfolio, batch by batch');

for (const command of [
  startCommand,
  statusCommand,
  watchCommand,
  pauseCommand,
  resumeCommand,
  changeCommand,
  cancelCommand,
  reportCommand,
  rejectsCommand,
  rerunCommand,
])
  bulkCommand.addCommand(command);
