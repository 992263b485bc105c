/** A question that Temporal has lost is asked again: the time-skipping server forgets queries that meet a hand-over. */
const LOST_MS = 3_000;

/** Waits for something that is under way; the test's own time limit bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await answerOf(condition))) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function answerOf(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), LOST_MS);
  });
  const answer = Promise.resolve(condition());
  try {
    return await Promise.race([answer, lost]);
  } finally {
    clearTimeout(timer);
    // One that comes too late is no error that nobody caught.
    answer.catch(() => undefined);
  }
}
