import { ExitCode } from './exit-codes.js';
import { note } from './output.js';

/**
 * Follows something on the screen until it ends. Ctrl-C ends this process, and not what it follows.
 * @param view what is on the screen; taken off whatever happens.
 * @param goodbye says to who leaves that it goes on, and how to follow it again.
 */
export async function leavable<T>(
  view: { stop(): void },
  goodbye: string,
  follow: () => Promise<T>,
): Promise<T> {
  const interrupted = () => {
    view.stop();
    note(goodbye);
    process.exit(ExitCode.interrupted);
  };
  process.once('SIGINT', interrupted);
  try {
    return await follow();
  } finally {
    process.off('SIGINT', interrupted);
    view.stop();
  }
}
