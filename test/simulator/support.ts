import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt, importX509 } from 'jose';
import OAuth from 'mastercard-oauth1-signer';
import { createSimulator, generateSandboxKeys } from '../../simulator/index.js';
import type { SandboxKeyPaths, Simulator, SimulatorOptions } from '../../simulator/index.js';

export const SRC_CLIENT_ID = '5e0d4b84-189d-4c86-822d-590602f62062';
export const SERVICE_ID = 'SRC';
export const CONSUMER_KEY = 'clientId!keyId';
/** Known to no trigger. (The sample number in Mastercard's documentation, 5204731600014780, fails Luhn.) */
export const PLAIN_PAN = '5204731600014784';

/** A simulator, and a caller who does everything by hand. */
export interface Rig {
  simulator: Simulator;
  keys: SandboxKeyPaths;
  signingKey: string;
  certificate: string;
  now: { ms: number };
  close(): Promise<void>;
}

/** One set of keys for each process: making them takes a second. */
let sandbox: Promise<SandboxKeyPaths> | undefined;

export async function startRig(options: Partial<SimulatorOptions> = {}): Promise<Rig> {
  sandbox ??= mkdtemp(join(tmpdir(), 'simulator-')).then(generateSandboxKeys);
  const keys = await sandbox;
  const read = (path: string) => readFile(path, 'utf8');
  const now = { ms: Date.parse('2026-11-24T12:00:00Z') };
  const simulator = await createSimulator({
    credentials: [
      {
        srcClientId: SRC_CLIENT_ID,
        serviceId: SERVICE_ID,
        consumerKey: CONSUMER_KEY,
        signingPublicKey: await read(keys.signingPublicKey),
        decryptionPrivateKey: await read(keys.decryptionKey),
      },
    ],
    processingMs: 1000,
    now: () => now.ms,
    ...options,
  });
  return {
    simulator,
    keys,
    signingKey: await read(keys.signingKey),
    certificate: await read(keys.encryptionCertificate),
    now,
    close: () => simulator.close(),
  };
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read answers of many shapes
  json: any;
}

export interface CallTweaks {
  consumerKey?: string;
  signingKey?: string;
  /** Sent instead of the body that was signed. */
  sentBody?: string;
  /** Sent instead of a freshly made one; null: none. */
  authorization?: string | null;
  headers?: Record<string, string>;
}

/** Signs with Mastercard's own signer and sends; rejects when the connection is broken. */
export async function call(
  rig: Rig,
  method: string,
  path: string,
  body?: string,
  tweaks: CallTweaks = {},
): Promise<Reply> {
  const url = new URL(rig.simulator.baseUrl + path).href;
  const authorization =
    tweaks.authorization === undefined ? sign(rig, method, url, body, tweaks) : tweaks.authorization;
  const response = await fetch(url, {
    method,
    headers: {
      ...(authorization !== null && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...tweaks.headers,
    },
    body: tweaks.sentBody ?? body ?? null,
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

export function sign(
  rig: Rig,
  method: string,
  url: string,
  body: string | undefined,
  { consumerKey = CONSUMER_KEY, signingKey = rig.signingKey }: CallTweaks = {},
): string {
  return OAuth.getAuthorizationHeader(url, method, body ?? null, consumerKey, signingKey);
}

export interface TestCard {
  consumer?: string;
  card: string;
  pan?: string;
  year?: string;
}

/** A plaintext: one record for each consumer. */
export function payloadOf(cards: readonly TestCard[]) {
  const consumers = new Map<string, TestCard[]>();
  for (const one of cards) {
    const key = one.consumer ?? `cust-${one.card}`;
    consumers.set(key, [...(consumers.get(key) ?? []), one]);
  }
  return {
    enrollments: [...consumers].map(([externalConsumerId, own]) => ({
      externalConsumerId,
      consumer: {
        emailAddress: 'ana@example.com',
        mobileNumber: { countryCode: '1', phoneNumber: '5555550100' },
        firstName: 'Ana',
        lastName: 'Díaz',
        locale: { country: 'US', language: 'en' },
        complianceSettings: { privacy: { acceptedVersion: 'LATEST' }, tnc: { acceptedVersion: 'LATEST' } },
      },
      cards: own.map(({ card, pan = PLAIN_PAN, year = '2030' }) => ({
        externalCardId: card,
        primaryAccountNumber: pan,
        panExpirationMonth: '10',
        panExpirationYear: year,
        billingAddress: { name: 'Ana Díaz', line1: '1 Main St', city: 'Edison', countryCode: 'US' },
      })),
    })),
  };
}

/** Encrypts with jose, as the contract's default asks. */
export async function encrypt(rig: Rig, plaintext: unknown): Promise<string> {
  const kid = createHash('sha256')
    .update(createPublicKey(rig.certificate).export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(plaintext)))
    .setProtectedHeader({ kid, alg: 'RSA-OAEP-256', enc: 'A128GCM' })
    .encrypt(await importX509(rig.certificate, 'RSA-OAEP-256'));
}

export interface HandMadeJwe {
  enc: 'A128GCM' | 'A256GCM';
  ivBytes?: number;
  header?: Record<string, unknown>;
}

/** Encrypts with bare node:crypto, so that everything can be varied. */
export function encryptByHand(
  publicKeyPem: string,
  plaintext: string,
  { enc, ivBytes = 12, header = {} }: HandMadeJwe,
): string {
  const contentKey = randomBytes(enc === 'A128GCM' ? 16 : 32);
  const iv = randomBytes(ivBytes);
  const encode = (bytes: Buffer) => bytes.toString('base64url');
  const protectedHeader = encode(Buffer.from(JSON.stringify({ alg: 'RSA-OAEP-256', enc, ...header })));
  const cipher = createCipheriv(enc === 'A128GCM' ? 'aes-128-gcm' : 'aes-256-gcm', contentKey, iv);
  cipher.setAAD(Buffer.from(protectedHeader));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  const encryptedKey = publicEncrypt(
    {
      key: createPublicKey(publicKeyPem),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
    },
    contentKey,
  );
  return [protectedHeader, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map(encode)].join('.');
}

export function enrollBody(externalBatchId: string, enrollmentData: string, changes: object = {}): string {
  return JSON.stringify({
    srcClientId: SRC_CLIENT_ID,
    serviceId: SERVICE_ID,
    srcCorrelationId: randomUUID(),
    externalBatchId,
    enrollmentData,
    ...changes,
  });
}

export async function enroll(rig: Rig, externalBatchId: string, cards: readonly TestCard[]): Promise<Reply> {
  const data = await encrypt(rig, payloadOf(cards));
  return call(rig, 'POST', '/cards/batch', enrollBody(externalBatchId, data));
}

export function query(more: Record<string, string> = {}): string {
  return new URLSearchParams({
    srcClientId: SRC_CLIENT_ID,
    serviceId: SERVICE_ID,
    srcCorrelationId: randomUUID(),
    ...more,
  }).toString();
}

export function status(rig: Rig, batchId: string, headers: Record<string, string> = {}): Promise<Reply> {
  return call(rig, 'GET', `/cards/batch/${batchId}?${query()}`, undefined, { headers });
}

/** Enrolls, lets the processing time pass, and asks. */
export async function enrollAndProcess(
  rig: Rig,
  externalBatchId: string,
  cards: readonly TestCard[],
): Promise<Reply> {
  const accepted = await enroll(rig, externalBatchId, cards);
  rig.now.ms += 1000;
  return status(rig, (accepted.json as { batchId: string }).batchId);
}

export async function control(rig: Rig, method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(rig.simulator.controlUrl + path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text ? (JSON.parse(text) as unknown) : undefined,
  };
}
