import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticate, Caller } from './access-tokens.js';
import { Refusal } from './refusals.js';

export interface AdmissionOptions {
  authenticate: Authenticate;
  /** Of the Web UIs that may ask, as browsers write them: `https://temporal.bank.example`. */
  origins: readonly string[];
  /** The namespaces that are served. */
  namespaces: readonly string[];
}

/** Who asks, and for which namespace. */
export interface Admitted {
  caller: Caller;
  namespace: string;
}

/**
 * A browser that keeps to CORS does not even show a foreign page the answer; its requests are refused as well, so that
 * nothing depends on that.
 * @throws Refusal
 */
export function refuseForeignPage({ origin }: IncomingHttpHeaders, origins: readonly string[]): void {
  if (origin !== undefined && !origins.includes(origin))
    throw new Refusal(403, 'pages of this origin may not ask');
}

/**
 * Lets a request in, or not.
 * @param onCaller gets who asks as soon as that is known: also for a request that is refused then.
 * @throws Refusal, AccessRefused, IssuerUnavailable
 */
export async function admit(
  headers: IncomingHttpHeaders,
  { authenticate, namespaces }: Omit<AdmissionOptions, 'origins'>,
  onCaller: (caller: Caller) => void,
): Promise<Admitted> {
  const { authorization, 'x-namespace': namespace } = headers;
  const caller = await authenticate(authorization);
  onCaller(caller);
  if (!namespace || Array.isArray(namespace))
    throw new Refusal(400, 'the header X-Namespace is empty: the temporal command needs --namespace');
  if (!namespaces.includes(namespace)) throw new Refusal(403, 'this namespace is not served here');
  if (!caller.mayRead(namespace)) throw new Refusal(403, 'the token has no permission for this namespace');
  return { caller, namespace };
}
