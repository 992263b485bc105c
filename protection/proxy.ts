import { BlockList, isIP } from 'node:net';
import { isLoopback } from './loopback.js';

/** The first that is set and not empty names the proxy. */
const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const;
const EXCEPTIONS = ['no_proxy', 'NO_PROXY'] as const;

/** A variable names a proxy that cannot be used. The message has no part of what it says, which may be a password. */
export class ProxyUrlError extends Error {
  override readonly name = 'ProxyUrlError';
  readonly code = 'PROXY_URL_INVALID';

  constructor(
    /** What is wrong with which variable. */
    readonly problem: string,
    readonly remedy = 'set it to http://HOST:PORT, or to http://USER:PASSWORD@HOST:PORT',
  ) {
    super(`${problem}; ${remedy}`);
  }
}

/** An HTTP proxy that makes connections on request (CONNECT; RFC 9110, 9.3.6). */
export class HttpProxy {
  readonly #credentials: { username: string; password: string } | undefined;

  private constructor(
    /** The environment variable that names it. */
    readonly variable: string,
    /** Whether it is itself spoken to over TLS. */
    readonly secure: boolean,
    /** Host and port: all of it that may be shown. */
    readonly address: string,
    credentials: { username: string; password: string } | undefined,
  ) {
    this.#credentials = credentials;
  }

  /**
   * @param variable that holds the URL.
   * @throws ProxyUrlError
   */
  static parse(variable: string, written: string): HttpProxy {
    const refuse = (problem: string) => new ProxyUrlError(`${variable} ${problem}`);
    const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`;
    if (!URL.canParse(text))
      throw refuse('is no URL of a proxy: is a character of its password not percent-encoded?');
    const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text);
    if (protocol !== 'http:' && protocol !== 'https:')
      throw refuse(
        'names a proxy that is not spoken to over HTTP, such as SOCKS, which c2p does not support',
      );
    // Of a password with a / or # in it, what stands before would be taken for the host, and shown.
    if (!/^\/?$/.test(pathname) || search || hash)
      throw refuse('has more than a host and a port: percent-encode /, # and ? of its password');
    const secure = protocol === 'https:';
    const address = `${hostname}:${port || (secure ? 443 : 80)}`;
    if (!username && !password) return new HttpProxy(variable, secure, address, undefined);
    try {
      const credentials = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
      return new HttpProxy(variable, secure, address, credentials);
    } catch {
      throw refuse('has a % in its user or password that encodes nothing: percent-encode it as %25');
    }
  }

  /** For messages. */
  get named(): string {
    return `the proxy ${this.address} (${this.variable})`;
  }

  get origin(): string {
    return `${this.secure ? 'https' : 'http'}://${this.address}`;
  }

  /** Secret, as the following is. */
  get credentials(): { username: string; password: string } | undefined {
    return this.#credentials;
  }

  /** The value of `Proxy-Authorization`. */
  get authorization(): string | undefined {
    if (!this.#credentials) return undefined;
    const { username, password } = this.#credentials;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}

/** Where a connection is to go. */
export interface Target {
  /** As in URLs: an IPv6 address in brackets. */
  hostname: string;
  port: number;
}

/**
 * The proxy by which a host is reached: the one rule of c2p, for Mastercard, key sets, sources and Temporal. It is what
 * `https_proxy` names, else `HTTPS_PROXY`, `http_proxy` or `HTTP_PROXY`; none for this machine itself, and for what
 * `no_proxy` or `NO_PROXY` lists.
 * @throws ProxyUrlError, whatever the target is.
 */
export function proxyTo(target: Target, env: NodeJS.ProcessEnv = process.env): HttpProxy | undefined {
  const variable = VARIABLES.find((name) => env[name]?.trim());
  if (variable === undefined) return undefined;
  const proxy = HttpProxy.parse(variable, env[variable]!.trim());
  const exceptions = EXCEPTIONS.map((name) => env[name]?.trim()).find(Boolean) ?? '';
  return isLoopback(target.hostname) || isExcepted(target, exceptions) ? undefined : proxy;
}

/** The target of a URL of `https:` or `http:`. */
export function targetOf(url: string | URL): Target {
  const { hostname, port, protocol } = new URL(url);
  return { hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** @param exceptions separated by commas or blanks. */
function isExcepted(target: Target, exceptions: string): boolean {
  const host = target.hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const { hosts, port } = parseException(entry);
      return (port === undefined || port === target.port) && covers(hosts, host);
    });
}

/** `host`, `host:port`, `[IPv6]`, `[IPv6]:port`, or an IPv6 address as it is. */
function parseException(entry: string): { hosts: string; port: number | undefined } {
  if (isIP(entry) === 6) return { hosts: entry, port: undefined };
  const [, hosts = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? ['', entry];
  return { hosts: hosts.replace(/^\[|\]$/g, ''), port: port === undefined ? undefined : Number(port) };
}

/** Everything (`*`), an address, a range of addresses, or a name with all names below it. */
function covers(hosts: string, host: string): boolean {
  if (hosts === '*') return true;
  const version = isIP(host);
  const [net = '', prefix] = hosts.split('/');
  if (version !== 0) {
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (isIP(net) !== version || !/^\d{0,3}$/.test(prefix ?? '')) return false;
    const bits = version === 6 ? 128 : 32;
    const list = new BlockList();
    list.addSubnet(net, Math.min(prefix ? Number(prefix) : bits, bits), family);
    return list.check(host, family);
  }
  const name = hosts.replace(/^\*?\.|\.$/g, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}
