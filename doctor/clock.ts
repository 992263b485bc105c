import { findings, type Finding } from './finding.js';

const WARNING_SECONDS = 30;
/** What OAuth timestamps may be off at Mastercard. */
const LIMIT_SECONDS = 5 * 60;

/**
 * How far this machine's clock is from that of a server.
 * @param date its `Date` header, which has whole seconds
 * @param asked and `answered`: by our clock, when the request was made and when its answer was there
 */
export function checkClock(program: string, date: string | undefined, asked: Date, answered: Date): Finding {
  const { ok, warning, failed, skipped } = findings('clock', program);
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return skipped('no answer says what time it is there');
  const [ahead, behind] = [asked.getTime() - (theirs + 1000), theirs - answered.getTime()];
  const seconds = Math.ceil(Math.max(ahead, behind, 0) / 1000);
  if (seconds <= 1) return ok("agrees with the server's, to the second");
  const found = `is ${seconds} s ${ahead > behind ? 'ahead of' : 'behind'} the server's`;
  const todo = 'set it, and keep it with NTP: requests are refused whose time is off by more than 5 minutes';
  if (seconds > LIMIT_SECONDS) return failed(found, todo);
  return seconds > WARNING_SECONDS ? warning(found, todo) : ok(found);
}
