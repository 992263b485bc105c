import { bulkCommand } from './bulk/index.js';
import { cancelCommand } from './cancel.js';
import { closeCommand } from './close.js';
import { codecServerCommand } from './codec-server.js';
import { conformanceCommand } from './conformance.js';
import { devCommand } from './dev.js';
import { doctorCommand } from './doctor.js';
import { enrollCommand } from './enroll.js';
import { extendCommand } from './extend.js';
import { keysCommand } from './keys/index.js';
import { listCommand } from './list.js';
import { policyCommand } from './policy.js';
import { pollCommand } from './poll.js';
import { reportCommand } from './report.js';
import { resolveCommand } from './resolve.js';
import { simulatorCommand } from './simulator.js';
import { statusCommand } from './status.js';
import { storeCommand } from './store/index.js';
import { sweepCommand } from './sweep.js';
import { validateCommand } from './validate.js';
import { watchCommand } from './watch.js';
import { workerCommand } from './worker.js';

/** All commands of `c2p`, in the order in which its help tells them. */
export const commands = [
  enrollCommand,
  statusCommand,
  watchCommand,
  reportCommand,
  listCommand,
  cancelCommand,
  pollCommand,
  extendCommand,
  policyCommand,
  resolveCommand,
  closeCommand,
  bulkCommand,
  validateCommand,
  sweepCommand,
  keysCommand,
  storeCommand,
  doctorCommand,
  conformanceCommand,
  workerCommand,
  codecServerCommand,
  simulatorCommand,
  devCommand,
];
