import { batchEnroll } from '../mastercard/api/batch-enroll.js';
import type { EnrollmentApi } from '../mastercard/api/enrollment-api.js';
import type { PolicyOverrides } from '../enrollment/policy.js';
import type { RecordRules } from '../enrollment/record-rules.js';
import type { SourceRules } from '../enrollment/source-rules.js';

/** What `c2p.config.json` says, checked and with every default filled in; all paths are absolute. */
export interface C2pConfig {
  /** Where it was read from. */
  path: string;
  programs: Record<string, ProgramConfig>;
  store: StoreConfig;
  /** The key ring that seals the store's blobs and encrypts what goes through Temporal. */
  dataKeys: DataKeysConfig;
  /** Whether what goes through Temporal is encrypted; what is encrypted is read either way. */
  codec: boolean;
  /** Of `c2p codec-server`; absent where none is run. */
  codecServer?: CodecServerConfig | undefined;
  /** Task queue of workflows and local work; a program's calls to Mastercard are on `<taskQueue>-<program>`. */
  taskQueue: string;
  /** Where portfolios may be, and what. */
  bulk?: BulkConfig | undefined;
  sweep: SweepConfig | false;
  /** Worker Deployment Versioning; off where it is absent. */
  versioning?: VersioningConfig | undefined;
  /** Where a worker serves its metrics; nowhere where it is absent. */
  metrics?: MetricsConfig | undefined;
}

export interface BulkConfig extends Partial<SourceRules> {
  /**
   * The folder that workers read portfolios from: everyone who may start workflows can name a file, and must not
   * reach any other. Machines may have it at different places. Absent where portfolios come from URLs only.
   */
  folder?: string | undefined;
}

/** Anybody who can connect can read them. */
export interface MetricsConfig {
  /** An IP address of this machine. */
  host: string;
  port: number;
}

/**
 * The part of a worker's version that all versions share. The build id is no configuration, since old and
 * new workers may read the same file: it belongs to the image (`worker/versioning.ts`).
 */
export interface VersioningConfig {
  /** The Worker Deployment, which groups the versions in Temporal. */
  deployment: string;
}

/** What the codec server listens on and whom it answers; the fields are described in `docs/codec-server.md`. */
export interface CodecServerConfig {
  host: string;
  port: number;
  tls?: { certificate: string; key: string } | undefined;
  /** Of the Web UIs that may ask: scheme, host and port. */
  origins: string[];
  namespaces: string[];
  token: AccessTokenConfig;
  requestsPerMinute: number;
  trustedProxies: string[];
}

/** Which bearer tokens the codec server believes. */
export interface AccessTokenConfig {
  key: { jwksUrl: string } | { secretEnv: string };
  issuer: string;
  audience: string;
  /** The claim with Temporal's permissions; absent where every token is for all namespaces. */
  permissionsClaim?: string | undefined;
}

/** The worker's own sweep of the store, on a Temporal Schedule. Durations are milliseconds. */
export interface SweepConfig {
  every: number;
  /** How long a batch must have been left alone, and its workflow have been over, before others close it. */
  grace: number;
}

export const DEFAULT_GRACE_MS = 24 * 3_600_000;

/** The grace time (ms): jobs and `c2p sweep` keep to it also where no sweep is scheduled. */
export function graceOf(sweep: SweepConfig | false): number {
  return sweep === false ? DEFAULT_GRACE_MS : sweep.grace;
}

/** What records of a program may be; of one that is not configured any more, as the built-in API has it. */
export function recordRules({ programs }: Pick<C2pConfig, 'programs'>): (program: string) => RecordRules {
  return (program) => (Object.hasOwn(programs, program) ? programs[program]!.api : batchEnroll).records;
}

/** One issuer setup with Mastercard. */
export interface ProgramConfig {
  /** What Mastercard's API is like: the built-in `batch-enroll`, or the default export of a file of the issuer's own. */
  api: EnrollmentApi;
  /** Where that file is; absent for the built-in one. */
  apiFile?: string | undefined;
  /** Without a trailing slash. */
  baseUrl: string;
  srcClientId: string;
  serviceId: string;
  /** `clientId!keyId` */
  consumerKey: string;
  signingKey: SigningKeyConfig;
  encryptionKey: EncryptionKeyConfig;
  tls?: TlsConfig | undefined;
  contentEncryption: 'A128GCM' | 'A256GCM';
  maxCardsPerBatch: number;
  /** Across all workers together. */
  requestsPerSecond: number;
  policy: PolicyOverrides;
}

/** A PEM private key, or a PKCS#12 file with its alias and password. */
export interface SigningKeyConfig {
  path: string;
  /** PKCS#12 only: the friendly name of the key; may be left out when the file holds one key. */
  alias?: string | undefined;
  /** Name of the environment variable with the password; the password itself is never configuration. */
  passwordEnv?: string | undefined;
}

/** PEM files for the connections to `baseUrl` and `jwksUrl`. */
export interface TlsConfig {
  /** Authorities to trust besides those of the system, as that of a proxy that looks into TLS. */
  ca?: string | undefined;
  /** What a server gets to see that asks for mutual TLS. */
  identity?: { certificate: string; key: string; passwordEnv?: string | undefined } | undefined;
}

/** Mastercard's public key: a file (PEM certificate, SPKI PEM or JWK) or a JWKS URL. */
export type EncryptionKeyConfig =
  { path: string; kid?: string | undefined } | { jwksUrl: string; kid?: string | undefined };

/**
 * Where the key ring is: in a file, or what a program prints that is run without a shell: its path, then its
 * arguments. Of the environment it gets `PATH`, `HOME`, `LANG` and the variables that `environment` names.
 */
export type DataKeysConfig =
  { path: string } | { command: [string, ...string[]]; environment?: string[] | undefined };

/** A folder that all machines see, or a PostgreSQL database: its URL, with the password, is in an environment variable. */
export type StoreConfig = { kind: 'filesystem'; path: string } | { kind: 'postgres'; urlEnv: string };
