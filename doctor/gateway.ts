import { randomUUID, type KeyObject } from 'node:crypto';
import { DecoratorHandler, type Dispatcher } from 'undici';
import type { ProgramConfig } from '../config/config.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { createHttpGateway } from '../mastercard/http-gateway.js';
import { dispatcherTo, type OutboundTls } from '../protection/outbound.js';
import { proxyTo, targetOf } from '../protection/proxy.js';
import { checkClock } from './clock.js';
import { findings, messageOf, type Finding } from './finding.js';

const TIMEOUT_MS = 10_000;

/**
 * Asks Mastercard for the status of a batch that cannot exist, signed as every call: it changes nothing,
 * and the answer NOT_FOUND says that address, keys and ids are right. Its `Date` shows whether our clock is right, too.
 */
export async function checkGateway(
  program: string,
  config: ProgramConfig,
  signingKey: KeyObject,
  tls?: OutboundTls,
): Promise<[clock: Finding, gateway: Finding]> {
  const { api, baseUrl, srcClientId, serviceId, consumerKey } = config;
  const seen: { date?: string | undefined } = {};
  const agent = dispatcherTo(baseUrl, { tls });
  const proxy = proxyTo(targetOf(baseUrl));
  const place = proxy ? `${baseUrl}, by ${proxy.named},` : baseUrl;
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    return dispatch(options, new DateObserver(handler, seen));
  });
  const gateway = createHttpGateway({
    ...{ api, baseUrl, srcClientId, serviceId, consumerKey, signingKey, dispatcher },
    requestTimeout: TIMEOUT_MS,
  });
  const asked = new Date();
  try {
    const failure = await gateway
      .fetchBatchStatus({ batchId: randomUUID(), correlationId: randomUUID() })
      .then(() => undefined, failureOf);
    const clock = checkClock(program, seen.date, asked, new Date());
    return [clock, judge(program, place, failure, clock)];
  } finally {
    await agent.close();
  }
}

/** Learns the `Date` of an answer, whatever it is. */
class DateObserver extends DecoratorHandler implements Dispatcher.DispatchHandler {
  constructor(
    private readonly inner: Dispatcher.DispatchHandler,
    private readonly seen: { date?: string | undefined },
  ) {
    super(inner);
  }

  onResponseStart(...answer: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.seen.date = [answer[2]['date']].flat()[0];
    this.inner.onResponseStart?.(...answer);
  }
}

function failureOf(error: unknown): GatewayFailure {
  if (error instanceof GatewayFailure) return error;
  throw error;
}

function judge(
  program: string,
  /** Its address, and the way there. */
  place: string,
  failure: GatewayFailure | undefined,
  clock: Finding,
): Finding {
  const { ok, warning, failed, skipped } = findings('gateway', program);
  const { httpStatus, reason, problem, details } = failure ?? { details: [] };
  const says = `${place} answers ${httpStatus ?? ''}${reason ? ` ${reason}` : ''}`;
  if (!failure || (httpStatus !== undefined && httpStatus < 400))
    return failed(`${says} to a question that only has the answer 404`, ADDRESS);
  if (httpStatus === undefined) {
    return failed(`${place} gives no answer: ${problem ?? messageOf(failure)}`, networkAdvice(problem ?? ''));
  }
  if (httpStatus === 401 && clock.status === 'failed')
    return skipped(`${says}: no wonder, with a clock that is wrong`);
  const where = details
    .map(({ source }) => source)
    .filter(Boolean)
    .join(', ');
  const told = where ? `${says} (${where})` : says;
  switch (httpStatus) {
    case 401:
      return failed(told, KEYS);
    case 403:
      return failed(told, IDS);
    case 404:
      // Only the service knows batches: the API gateway, or a proxy, says 404 of the address.
      if (failure.byService) return ok(`${place} knows the keys and ids, and no batch of a made-up id`);
      return failed(`${told}, and not in the words of the service`, ADDRESS);
    case 429:
      return warning(told, 'it is reached, and throttles: try again later');
  }
  if (failure.kind === 'configuration') return failed(told, failure.byService ? IDS : ADDRESS);
  if (httpStatus >= 500)
    return failed(told, 'it is reached, and has a problem of its own: try again later, then ask Mastercard');
  return warning(told, 'keys and address seem right: c2p conformance says what of the API differs');
}

const KEYS =
  'compare the fingerprint of the signing key with the one that Mastercard shows for consumerKey; it may have expired there';
const IDS =
  'check srcClientId and serviceId, and with Mastercard that they belong to consumerKey and are active';
const ADDRESS = 'check baseUrl: sandbox or production, and the path';

function networkAdvice(problem: string): string {
  switch (problem) {
    case 'PROXY_407':
      return 'the proxy wants a user and a password: put them into its URL, percent-encoded; c2p speaks Basic only';
    case 'PROXY_403':
      return 'the proxy does not let this machine out to it: have it allow CONNECT to this host and port';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'DNS does not know the name: check baseUrl and the resolver of this machine';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'it breaks the connection off: does a firewall do that, or does it ask for a client certificate (tls.certificate of the program)?';
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no connection: check baseUrl, and that the firewall lets this machine out to it';
    case 'TimeoutError':
      return 'it is reached, and does not answer: try again later, then ask Mastercard';
  }
  if (problem.startsWith('PROXY_'))
    return 'the proxy makes no connection: is it the right one, does it run, and does it know the host? NO_PROXY lists what needs none';
  if (problem.includes('_ALERT_'))
    return 'it refuses the TLS of this machine: does it ask for a client certificate (tls.certificate of the program), or for another one?';
  if (/CERT|SIGNED|SIGNATURE|TLS|SSL|EPROTO/.test(problem))
    return 'TLS fails: does something in between break it up? Its certificate authority goes into tls.ca of the program';
  return 'check baseUrl and the network of this machine';
}
