/** A local Mastercard for development and tests: `createSimulator`. */
export { createSimulator } from './simulator.js';
export type { Simulator, SimulatorLogger, SimulatorOptions, SimulatorSettings } from './types.js';
export { SimulatorOptionsError } from './clients.js';
export type { SimulatorCredentials } from './clients.js';
export type { AcceptedBatch, BatchOffer } from './batches.js';
export type { EnrolledCard } from './directory.js';
export { DEVIATIONS, deviating } from './deviations.js';
export type { Deviation, DeviationName } from './deviations.js';
export { WIRE } from './wire.js';
export type { Wire } from './wire.js';
export type { Fault, FaultRequest, Operation } from './faults.js';
export type { LoggedRequest } from './request-log.js';
export { TRIGGERS } from './triggers.js';
export type {
  BatchEffect,
  BatchTrigger,
  BatchTriggerName,
  CardEffect,
  CardTrigger,
  CardTriggerName,
  Effects,
} from './triggers.js';
export { generateSandboxKeys, SANDBOX_KEY_ALIAS, SANDBOX_KEY_PASSWORD } from './sandbox-keys.js';
export type { SandboxKeyPaths } from './sandbox-keys.js';
