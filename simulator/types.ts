import type { KeyObject } from 'node:crypto';
import type { AcceptedBatch } from './batches.js';
import type { SimulatorCredentials } from './clients.js';
import type { EnrolledCard } from './directory.js';
import type { FaultRequest } from './faults.js';
import type { LoggedRequest } from './request-log.js';
import type { Effects } from './triggers.js';
import type { Wire } from './wire.js';

/** What can be changed while it runs. */
export interface SimulatorSettings {
  /** Milliseconds between acceptance and a terminal status; a change meets batches under way too. */
  processingMs: number;
  /**
   * What an `externalBatchId` that was accepted before is answered with: a 409 that tells the `batchId` or
   * one that does not, or `acceptedAgain`, as another batch, which Mastercard never should.
   */
  duplicates: 'withBatchId' | 'withoutBatchId' | 'acceptedAgain';
}

/** As much of a pino logger as the simulator uses. */
export interface SimulatorLogger {
  info(fields: object, message: string): void;
}

export interface SimulatorOptions {
  /** One entry per program that may call. */
  credentials: readonly SimulatorCredentials[];
  /** Address to listen on; default `127.0.0.1`. */
  host?: string;
  /** Default 0: any that is free. */
  port?: number;
  /** Default 3000. */
  processingMs?: number;
  /** Default `withBatchId`. */
  duplicates?: SimulatorSettings['duplicates'];
  /** Of the order in which records are answered; default 1. */
  seed?: number;
  /**
   * Milliseconds since the epoch; default `Date.now`. By it batches are processed and cards expire. The
   * timestamps of signatures are held against the real time, since callers take them from there.
   */
  now?: () => number;
  /** What stands on the wire; default: as the contract has it (`WIRE`). */
  wire?: Wire;
  /** For what no trigger stands for, as ids and reasons of a hostile Mastercard; default none. */
  effects?: Effects;
  /** Gets method, path template, status and duration of every call of the API; default none. */
  logger?: SimulatorLogger | undefined;
}

export interface Simulator {
  /** Base URL of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** Base URL of the control endpoints, without a trailing slash. */
  readonly controlUrl: string;
  readonly port: number;
  /** What it accepted, in that order. */
  accepted(): AcceptedBatch[];
  /** Which cards are in Click to Pay now. */
  enrolledCards(): EnrolledCard[];
  /** The last 10,000 calls of the API, the oldest first. */
  requests(): LoggedRequest[];
  /** Asks for a fault; faults are met in the order they were asked for. */
  fault(request: FaultRequest): void;
  /** Forgets the faults that no call has met yet. */
  clearFaults(): void;
  /** Changes what is given, and returns all settings. */
  configure(changes: Partial<SimulatorSettings>): SimulatorSettings;
  /**
   * Takes another key into use, an RSA private key (PEM): what is encrypted for the one before, or names its
   * `kid`, is refused from now on.
   */
  rekey(decryptionPrivateKey: string | KeyObject): void;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
}
