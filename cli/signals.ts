/** Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, as it would have without us. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    const interrupted = () => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      clearInterval(keepAlive);
      resolve();
    };
    // A pending promise alone does not keep a process alive.
    const keepAlive = setInterval(() => undefined, 2 ** 30);
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', interrupted);
  });
}
