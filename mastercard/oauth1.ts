import type { KeyObject } from 'node:crypto';
import OAuth from 'mastercard-oauth1-signer';

/** A request as it goes on the wire. */
export interface RequestToSign {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  /** The text whose UTF-8 bytes are sent; the empty string where there is none. */
  body: string;
  /** `clientId!keyId` */
  consumerKey: string;
  signingKey: KeyObject;
}

/**
 * Signs a request with OAuth 1.0a (RSA-SHA256, body hash), as Mastercard's own signer does it. Each call
 * makes a new nonce and timestamp: sign every attempt anew.
 * @returns the value of the `Authorization` header.
 * @throws Error when the key cannot sign; the message holds nothing of the key.
 */
export function authorizationHeader({ method, url, body, consumerKey, signingKey }: RequestToSign): string {
  return OAuth.getAuthorizationHeader(
    new URL(url).href,
    method,
    body,
    consumerKey,
    // node:crypto signs with either; a PEM string would be parsed again at each call, three times as slow.
    signingKey as unknown as string,
  );
}
