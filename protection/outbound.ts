import { readFileSync } from 'node:fs';
import { isIP, type LookupFunction } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, Pool, ProxyAgent, type buildConnector, type Dispatcher } from 'undici';
import { proxyTo, targetOf, type HttpProxy } from './proxy.js';
import { VERIFIED } from './tls.js';

/** PEM texts that connections need besides what this system trusts. */
export interface OutboundTls {
  /** Authorities that are trusted, too. */
  ca?: string | undefined;
  /** What a client shows that asks for mutual TLS: its certificate, and its key, not encrypted. */
  identity?: { certificate: string; key: string } | undefined;
}

export interface OutboundOptions {
  tls?: OutboundTls | undefined;
  /** Finds the addresses of a name. Not asked where a proxy does that. */
  lookup?: LookupFunction | undefined;
}

/** Also for the answer of a proxy. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * What carries requests to the host of a URL, and to others that are reached likewise: directly, or by a proxy
 * (`proxyTo`). Certificates are verified, that of the proxy included, whatever the environment says. The caller closes it.
 * @throws ProxyUrlError
 */
export function dispatcherTo(url: string, { tls = {}, lookup }: OutboundOptions = {}): Dispatcher {
  const proxy = proxyTo(targetOf(url));
  const connect = { ...VERIFIED, timeout: CONNECT_TIMEOUT_MS };
  const toTarget = { ...connect, ...secured(tls) };
  if (!proxy) return new Agent({ connect: { ...toTarget, ...(lookup && { lookup }) } });
  const { authorization } = proxy;
  return new ProxyAgent({
    uri: proxy.origin,
    ...(authorization === undefined ? {} : { token: authorization }),
    requestTls: toTarget,
    // Not the identity: it is for the target.
    proxyTls: { ...connect, ...secured({ ca: tls.ca }) },
    clientFactory: (origin, { connect }: { connect: buildConnector.connector }) =>
      new ProxyPool(origin, connect, proxy),
  });
}

/** A proxy did not make the connection, so that nothing was sent to the target. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';

  constructor(
    /** `PROXY_407` and the like for what it answers, `PROXY_ECONNREFUSED` and the like where it does not. */
    readonly code: `PROXY_${string}`,
    /** Host and port. */
    readonly proxy: string,
  ) {
    super(`the proxy ${proxy} makes no connection (${code})`);
  }
}

/**
 * Asks a proxy for connections. undici itself tries again for ever what a proxy breaks off, tells the status of a refusal
 * in a sentence only, and gives an address as the name of a server, which TLS does not allow.
 */
class ProxyPool extends Pool {
  constructor(
    origin: URL,
    connect: buildConnector.connector,
    private readonly proxy: HttpProxy,
  ) {
    super(origin, {
      headersTimeout: CONNECT_TIMEOUT_MS,
      connect: ({ servername, ...target }, done) =>
        connect(
          isIP(servername?.replace(/^\[|\]$/g, '') ?? '') === 0 ? { servername, ...target } : target,
          done,
        ),
    });
  }

  override connect(options: Parameters<Pool['connect']>[0]): Promise<Dispatcher.ConnectData>;
  override connect(...options: Parameters<Pool['connect']>): void;
  override async connect(options: Parameters<Pool['connect']>[0]): Promise<Dispatcher.ConnectData> {
    const { address } = this.proxy;
    const answer = await super.connect(options).catch((error: unknown) => {
      const { code, name } = error as { code?: string; name?: string };
      throw new ProxyError(`PROXY_${code ?? name ?? 'ERROR'}`, address);
    });
    if (answer.statusCode === 200) return answer;
    answer.socket.on('error', () => undefined).destroy();
    throw new ProxyError(`PROXY_${answer.statusCode}`, address);
  }
}

/** Made once: with the authorities that Node brings along it takes milliseconds. */
function secured({ ca, identity }: OutboundTls): { secureContext?: SecureContext } {
  if (ca === undefined && identity === undefined) return {};
  const secureContext = createSecureContext({ cert: identity?.certificate, key: identity?.key });
  if (ca === undefined) return { secureContext };
  // The option `ca` is in the place of the system's authorities, of which not every Node that c2p runs on has a list.
  const trusted = secureContext.context as { addCACert(pem: string): void };
  for (const pem of [ca, extraAuthorities()]) trusted.addCACert(pem);
  return { secureContext };
}

/** Node 20 has forgotten these once another authority is added. */
function extraAuthorities(): string {
  try {
    return readFileSync(process.env['NODE_EXTRA_CA_CERTS'] ?? '', 'latin1');
  } catch {
    // Node has said so when it started.
    return '';
  }
}
