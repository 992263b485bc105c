import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

export const ISSUER = 'https://login.bank.example';
export const AUDIENCE = 'c2p-codec';
export const SECRET = 'a secret of at least thirty-two bytes';

/** How a token differs from one that holds for an hour. */
export interface TokenChanges {
  claims?: JWTPayload;
  issuer?: string;
  audience?: string;
  /** Seconds from now. */
  expiresIn?: number;
}

function unsigned({ claims, issuer, audience, expiresIn = 3600 }: TokenChanges, alg: string, kid?: string) {
  return new SignJWT({ sub: 'operator', ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .setIssuer(issuer ?? ISSUER)
    .setAudience(audience ?? AUDIENCE)
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn);
}

/** A token signed with the shared secret. */
export function token(changes: TokenChanges = {}, secret = SECRET): Promise<string> {
  return unsigned(changes, 'HS256').sign(new TextEncoder().encode(secret));
}

/** An identity provider with one key at a time, and how often its keys were asked for. */
export class IdentityProvider {
  #kid = '';
  #key: CryptoKey | undefined;
  #published: unknown[] = [];
  readonly #server = createServer((_request, response) => {
    this.asked += 1;
    if (this.isDown) response.writeHead(500).end();
    else response.end(JSON.stringify({ keys: this.#published }) + ' '.repeat(this.spaces));
  });
  /** How many of them follow the keys. */
  spaces = 0;
  asked = 0;
  isDown = false;

  static async start(): Promise<IdentityProvider> {
    const provider = new IdentityProvider();
    await provider.rotate('first');
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get jwksUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  async rotate(kid: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    this.#kid = kid;
    this.#key = privateKey;
    this.#published = [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }];
  }

  token(changes: TokenChanges = {}): Promise<string> {
    return unsigned(changes, 'RS256', this.#kid).sign(this.#key!);
  }

  /** The published key, which anybody can have. */
  publicKey(): unknown {
    return this.#published[0];
  }

  close(): void {
    this.#server.close();
  }
}
