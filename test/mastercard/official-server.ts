import { verify, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** The parts of Mastercard's official libraries that verify instead of sign, and decrypt: their types leave them out. */
interface OfficialSigner {
  extractQueryParams(url: string): Map<string, Set<string>>;
  getBaseUriString(url: string): string;
  getBodyHash(body: Buffer | string): string;
  getSignatureBaseString(method: string, baseUri: string, params: string): string;
  toOAuthParamString(query: Map<string, Set<string>>, oauth: Map<string, string>): string;
}
interface OfficialDecryption {
  decrypt(message: { request: { url: string }; body: Record<string, unknown> }): Record<string, unknown>;
}

const require = createRequire(import.meta.url);
const OAuth = require('mastercard-oauth1-signer') as OfficialSigner;
const { JweEncryption } = require('mastercard-client-encryption') as {
  JweEncryption: new (config: object) => OfficialDecryption & { crypto: { publicKeyFingerprint: string } };
};

/** The `kid` that the official library derives from a certificate. */
export function officialKeyId(certificatePath: string): string {
  return new JweEncryption({
    paths: [{ path: '/.*', toEncrypt: [], toDecrypt: [] }],
    encryptedValueFieldName: 'enrollmentData',
    encryptionCertificate: certificatePath,
  }).crypto.publicKeyFingerprint;
}

export interface OfficialServerOptions {
  consumerKey: string;
  /** Of the issuer's signing key. */
  verificationKey: KeyObject;
  /** Mastercard's own key pair, as files. */
  certificatePath: string;
  privateKeyPath: string;
  /**
   * Has it speak TLS, under this name, and answer as what is in between does: compressed, whatever the client accepts,
   * and with a byte order mark.
   */
  behind?: { host: string; key: string; cert: string };
}

/**
 * A Mastercard made of nothing but Mastercard's official libraries: it recomputes the signature's base
 * string with the signer's functions and opens `enrollmentData` with the encryption library.
 */
export class OfficialServer {
  readonly accepted: unknown[] = [];
  readonly statusCalls: string[] = [];
  readonly deletions: string[] = [];
  private readonly decryption: OfficialDecryption;
  private readonly server: Server;

  constructor(private readonly options: OfficialServerOptions) {
    this.decryption = new JweEncryption({
      paths: [
        { path: '/.*', toEncrypt: [], toDecrypt: [{ element: 'enrollmentData', obj: 'enrollmentData' }] },
      ],
      mode: 'JWE',
      encryptedValueFieldName: 'enrollmentData',
      encryptionCertificate: options.certificatePath,
      privateKey: options.privateKeyPath,
    });
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.handle(request, response);
    this.server = options.behind ? createTlsServer(options.behind, handle) : createServer(handle);
  }

  /** @returns the base URL. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as AddressInfo;
    const { behind } = this.options;
    return `${behind ? `https://${behind.host}` : 'http://127.0.0.1'}:${port}/src/api/digital/payments`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(response: ServerResponse, status: number, body: object): void {
    const text = JSON.stringify(body);
    if (!this.options.behind) response.writeHead(status).end(text);
    else response.writeHead(status, { 'content-encoding': 'gzip' }).end(gzipSync(`\uFEFF${text}`));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const refusal = this.refusalOf(request, body);
    if (refusal) {
      this.answer(response, 401, { reason: 'UNAUTHENTICATED', message: refusal });
    } else if (request.method === 'POST') {
      const { externalBatchId } = this.open(body);
      this.answer(response, 202, { batchId: 'mc-1', externalBatchId });
    } else if (request.method === 'DELETE') {
      this.deletions.push(request.url ?? '');
      this.answer(response, 200, { srcCorrelationId: 'any' });
    } else {
      this.statusCalls.push(request.url ?? '');
      this.answer(response, 200, { batchId: 'mc-1', externalBatchId: 'batch-1', batchStatus: 'IN_PROGRESS' });
    }
  }

  private open(body: Buffer): Record<string, unknown> {
    const message = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const opened = this.decryption.decrypt({ request: { url: '/' }, body: message });
    this.accepted.push(opened.enrollmentData);
    return opened;
  }

  /** @returns what is wrong with the signature, if anything is. */
  private refusalOf(request: IncomingMessage, body: Buffer): string | undefined {
    const oauth = new Map(
      [...(request.headers.authorization ?? '').matchAll(/(oauth_\w+)="([^"]*)"/g)].map(
        ([, name = '', value = '']) => [name, value] as const,
      ),
    );
    const signature = decodeURIComponent(oauth.get('oauth_signature') ?? '');
    oauth.delete('oauth_signature');
    if (oauth.get('oauth_consumer_key') !== this.options.consumerKey) return 'consumer key';
    if (oauth.get('oauth_body_hash') !== OAuth.getBodyHash(body)) return 'body hash';
    if (Math.abs(Number(oauth.get('oauth_timestamp')) - Date.now() / 1_000) > 300) return 'timestamp';
    const url = `${this.options.behind ? 'https' : 'http'}://${request.headers.host}${request.url}`;
    const base = OAuth.getSignatureBaseString(
      request.method ?? '',
      OAuth.getBaseUriString(url),
      OAuth.toOAuthParamString(OAuth.extractQueryParams(url), oauth),
    );
    const genuine = verify(
      'RSA-SHA256',
      Buffer.from(base),
      this.options.verificationKey,
      Buffer.from(signature, 'base64'),
    );
    return genuine ? undefined : 'signature';
  }
}
