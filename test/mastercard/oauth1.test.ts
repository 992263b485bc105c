import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authorizationHeader, type RequestToSign } from '../../mastercard/oauth1.js';
import { pem, rsaKeyPair } from './key-files.js';

const pair = rsaKeyPair();
const request: RequestToSign = {
  method: 'GET',
  url: 'http://127.0.0.1:8443/a/b%21?z=1&serviceId=%23x&a=2',
  body: '',
  consumerKey: 'client!key',
  signingKey: pair.privateKey,
};

function fields(header: string): Record<string, string> {
  return Object.fromEntries(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

describe('authorizationHeader', () => {
  it("has the form that Mastercard's signer gives it", () => {
    const base64 = '[A-Za-z0-9+/]+=*';
    expect(authorizationHeader(request)).toMatch(
      new RegExp(
        `^OAuth oauth_body_hash="${base64}",oauth_consumer_key="client!key",oauth_nonce="[A-Za-z0-9]{8}",` +
          `oauth_signature_method="RSA-SHA256",oauth_timestamp="\\d{10}",oauth_version="1.0",oauth_signature="[A-Za-z0-9%.~_-]+"$`,
      ),
    );
  });

  it.each(['', '{"name":"Zoë 🂡"}'])('hashes the bytes of the body %j', (body) => {
    const header = authorizationHeader({ ...request, method: 'POST', body });
    expect(fields(header).oauth_body_hash).toBe(createHash('sha256').update(body, 'utf8').digest('base64'));
  });

  it('signs the base string that the contract describes', () => {
    const { oauth_signature, ...values } = fields(authorizationHeader(request));
    const params = [['a', '2'], ['serviceId', '%23x'], ['z', '1'], ...Object.entries(values)]
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&');
    const encode = (text: string) => encodeURIComponent(text).replaceAll('!', '%21');
    const base = `GET&${encode('http://127.0.0.1:8443/a/b%21')}&${encode(params)}`;
    const signature = Buffer.from(decodeURIComponent(oauth_signature ?? ''), 'base64');
    expect(verify('RSA-SHA256', Buffer.from(base), pair.publicKey, signature)).toBe(true);
  });

  it('signs the address as a client sends it, however it is written', () => {
    const { oauth_signature, ...values } = fields(
      authorizationHeader({ ...request, url: 'HTTPS://API.example:443/x/../y' }),
    );
    const params = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    const encode = (text: string) => encodeURIComponent(text).replaceAll('!', '%21');
    const base = `GET&${encode('https://api.example/y')}&${encode(params.join('&'))}`;
    const key = createPublicKey(pem(pair.publicKey, 'spki'));
    const signature = Buffer.from(decodeURIComponent(oauth_signature ?? ''), 'base64');
    expect(verify('RSA-SHA256', Buffer.from(base), key, signature)).toBe(true);
  });

  it('makes a new nonce for every attempt', () => {
    const nonces = Array.from({ length: 50 }, () => fields(authorizationHeader(request)).oauth_nonce);
    expect(new Set(nonces).size).toBe(50);
  });
});
