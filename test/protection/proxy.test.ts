import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { HttpProxy, ProxyUrlError, proxyTo, targetOf } from '../../protection/proxy.js';

const MASTERCARD = targetOf('https://api.mastercard.com/src');
const at = (env: NodeJS.ProcessEnv, target = MASTERCARD) => proxyTo(target, env)?.address;

describe('the proxy', () => {
  test.each<[NodeJS.ProcessEnv, string | undefined]>([
    [{}, undefined],
    [{ HTTPS_PROXY: '' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy.bank.example:3128' }, 'proxy.bank.example:3128'],
    [{ https_proxy: 'http://proxy.bank.example:3128' }, 'proxy.bank.example:3128'],
    [{ https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:2' }, 'lower:1'],
    [{ https_proxy: ' ', HTTPS_PROXY: 'http://upper:2' }, 'upper:2'],
    [{ HTTPS_PROXY: 'http://https:1', http_proxy: 'http://http:2' }, 'https:1'],
    [{ HTTP_PROXY: 'http://proxy.bank.example:3128' }, 'proxy.bank.example:3128'],
    [{ HTTPS_PROXY: 'proxy.bank.example:3128' }, 'proxy.bank.example:3128'],
    [{ HTTPS_PROXY: 'user:secret@proxy.bank.example:3128' }, 'proxy.bank.example:3128'],
    [{ HTTPS_PROXY: 'http://proxy.bank.example/' }, 'proxy.bank.example:80'],
    [{ HTTPS_PROXY: 'https://proxy.bank.example' }, 'proxy.bank.example:443'],
    [{ HTTPS_PROXY: 'http://[fd00::1]:3128' }, '[fd00::1]:3128'],
    [{ ALL_PROXY: 'http://proxy.bank.example:3128' }, undefined],
  ])('of %j is %s', (env, address) => expect(at(env)).toBe(address));

  test('shows its user and password to nobody but the proxy', () => {
    const proxy = HttpProxy.parse('HTTPS_PROXY', 'http://us%40er:p%2Fass%25@proxy.bank.example:3128');
    expect(proxy.credentials).toEqual({ username: 'us@er', password: 'p/ass%' });
    expect(proxy.authorization).toBe(`Basic ${Buffer.from('us@er:p/ass%').toString('base64')}`);
    expect([proxy.named, proxy.origin]).toEqual([
      'the proxy proxy.bank.example:3128 (HTTPS_PROXY)',
      'http://proxy.bank.example:3128',
    ]);
    expect(inspect(proxy, { showHidden: true, depth: 9 }) + JSON.stringify(proxy)).not.toMatch(
      /us.{1,3}er|ass%/,
    );
    expect(HttpProxy.parse('HTTPS_PROXY', 'http://user@proxy').authorization).toBe('Basic dXNlcjo=');
  });

  test.each([
    ['http://', 'is no URL'],
    ['http://user:SECRET@proxy:port', 'is no URL'],
    ['http://user:SEC#RET@proxy:3128', 'is no URL'],
    ['http://user:12#SECRET@proxy:3128', 'percent-encode /, # and ?'],
    ['http://user:12/SECRET@proxy:3128', 'percent-encode /, # and ?'],
    ['http://user:12?SECRET@proxy:3128', 'percent-encode /, # and ?'],
    ['http://proxy:3128/SECRET.pac', 'percent-encode /, # and ?'],
    ['http://user:SECRET%zz@proxy:3128', 'as %25'],
    ['socks5://user:SECRET@proxy:1080', 'SOCKS'],
    ['ftp://SECRET', 'not spoken to over HTTP'],
  ])('named by %j is refused, whatever the target is, and nothing of it is shown', (url, says) => {
    for (const target of [MASTERCARD, targetOf('http://127.0.0.1:8080')]) {
      const ask = () => proxyTo(target, { HTTPS_PROXY: url, NO_PROXY: '*' });
      expect(ask).toThrow(ProxyUrlError);
      expect(ask).toThrow(/^HTTPS_PROXY .*; set it to http:\/\/HOST:PORT/);
      expect(ask).toThrow(says);
      expect(ask).not.toThrow(/SEC|RET/);
    }
  });
});

describe('no proxy', () => {
  const HTTPS_PROXY = 'http://proxy.bank.example:3128';

  test.each(['http://localhost:8080', 'http://127.0.0.1', 'https://127.1.2.3', 'https://[::1]:7233'])(
    'leads to this machine, as %s',
    (url) => expect(proxyTo(targetOf(url), { HTTPS_PROXY })).toBeUndefined(),
  );

  test.each<[string, string, boolean]>([
    ['*', 'https://api.mastercard.com', true],
    ['mastercard.com', 'https://api.mastercard.com', true],
    ['.mastercard.com', 'https://api.mastercard.com', true],
    ['*.mastercard.com', 'https://api.mastercard.com', true],
    ['.mastercard.com', 'https://mastercard.com', true],
    ['API.Mastercard.COM.', 'https://api.mastercard.com', true],
    ['api.mastercard.com', 'https://API.mastercard.com./src', true],
    ['card.com', 'https://api.mastercard.com', false],
    ['api.mastercard.com', 'https://mastercard.com', false],
    ['a.example, ,mastercard.com', 'https://api.mastercard.com', true],
    ['a.example mastercard.com', 'https://api.mastercard.com', true],
    ['mastercard.com:443', 'https://api.mastercard.com', true],
    ['mastercard.com:8443', 'https://api.mastercard.com', false],
    ['mastercard.com:8443', 'https://api.mastercard.com:8443', true],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['10.1.2.3:8443', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8:443', 'https://10.1.2.3', true],
    ['11.0.0.0/8', 'https://10.1.2.3', false],
    ['0.0.0.0/0', 'https://10.1.2.3', true],
    ['2.3', 'https://10.1.2.3', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['10.0.0.0/x', 'https://10.1.2.3', false],
    ['fd00::1', 'https://[fd00:0:0::1]', true],
    ['[fd00::1]', 'https://[fd00::1]', true],
    ['[fd00::1]:8443', 'https://[fd00::1]', false],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['fd00::/8', 'https://10.1.2.3', false],
    ['0.0.0.0/0', 'https://[fd12::1]', false],
    [':443', 'https://api.mastercard.com', false],
    ['', 'https://api.mastercard.com', false],
  ])('%j lists %s: %s', (list, url, isListed) => {
    expect(proxyTo(targetOf(url), { HTTPS_PROXY, NO_PROXY: list }) === undefined).toBe(isListed);
    expect(proxyTo(targetOf(url), { HTTPS_PROXY, no_proxy: list, NO_PROXY: 'other' }) === undefined).toBe(
      isListed,
    );
  });
});
