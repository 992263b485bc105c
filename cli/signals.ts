/** Who started this process. */
const parent = process.ppid;
const PARENT_CHECK_MS = 500;

/**
 * Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, as it would have without us.
 *
 * Under `npx` and `npm run` also when the parent of this process has ended: npm passes a SIGTERM on to the
 * shell that it runs a command in, and that ends without telling the command (npm/cli issue 5776).
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    const interrupted = () => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      clearInterval(check);
      resolve();
    };
    const underNpm = process.env.npm_command !== undefined;
    // A pending promise alone does not keep a process alive; this does.
    const check = setInterval(() => {
      if (underNpm && process.ppid !== parent) interrupted();
    }, PARENT_CHECK_MS);
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', interrupted);
  });
}
