import type { MetricMeter } from '@temporalio/common';
import type { ProgramKeys, WorkerDependencies } from './dependencies.js';

/** Prometheus asks every 15 to 60 seconds. */
const REFRESH_MS = 15_000;

/**
 * Reports the keys to the SDK's meter, now and every 15 s, so that an alert fires before one expires, and when one
 * does not fit or cannot be read. Every value is a time, a number or a yes or no (1 or 0), and its
 * only label is the name of the program.
 *
 * The SDK serves them with its own metrics: one address, and no second library.
 * @returns what ends it.
 */
export async function publishKeyMetrics(
  meter: MetricMeter,
  { programKeys, keyRing }: Pick<WorkerDependencies, 'programKeys' | 'keyRing'>,
): Promise<() => void> {
  const gauge = (name: string, description: string) => {
    const created = meter.createGauge(`c2p_${name}`, 'int', undefined, description);
    return (value: Date | number | boolean | undefined, program?: string) => {
      if (value === undefined) return;
      const number = value instanceof Date ? Math.floor(value.getTime() / 1_000) : Number(value);
      created.set(number, program === undefined ? {} : { program });
    };
  };
  const signing = {
    expiry: gauge('signing_key_expiry_timestamp_seconds', 'When the certificate of signingKey ends'),
    fits: gauge('signing_key_fits_certificate', 'Whether signingKey belongs to the certificate in its file'),
  };
  const encryption = {
    expiry: gauge('encryption_key_expiry_timestamp_seconds', 'When the certificate of encryptionKey ends'),
    fits: gauge('encryption_key_fits_kid', 'Whether encryptionKey is the key that its kid names'),
    read: gauge('encryption_key_read_timestamp_seconds', 'When encryptionKey was last read'),
  };
  const ring = {
    read: gauge('data_keys_read_timestamp_seconds', 'When the key ring was last read'),
    since: gauge('data_keys_current_since_timestamp_seconds', 'Since when the current key of the ring is'),
    keys: gauge('data_keys', 'How many keys of the ring open what is sealed under them'),
  };

  const ofProgram = async (program: string, keys: ProgramKeys) => {
    const { key, certificate } = keys.signing;
    if (certificate) {
      signing.expiry(new Date(certificate.validTo), program);
      signing.fits(certificate.checkPrivateKey(key), program);
    }
    const current = await orNothing(keys.encryption.latest());
    if (current?.certificate) encryption.expiry(new Date(current.certificate.validTo), program);
    encryption.fits(keys.encryption.fitsKid, program);
    encryption.read(keys.encryption.readAt, program);
  };
  const refresh = async () => {
    for (const [program, keys] of programKeys) await ofProgram(program, keys);
    const current = await orNothing(keyRing.latest());
    ring.read(keyRing.readAt);
    ring.since(current?.currentSince);
    ring.keys(current?.size);
  };

  await refresh();
  const timer = setInterval(() => void refresh(), REFRESH_MS).unref();
  return () => clearInterval(timer);
}

/** That a key cannot be read is in the log, and in how old what was read grows. */
function orNothing<T>(read: Promise<T>): Promise<T | undefined> {
  return read.catch(() => undefined);
}
