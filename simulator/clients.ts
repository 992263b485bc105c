import { KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { ApiError } from './api-error.js';
import { fingerprintOf } from './jwe-opener.js';

/** What one program is known by: the counterpart of a program in `c2p.config.json`. */
export interface SimulatorCredentials {
  srcClientId: string;
  serviceId: string;
  /** `clientId!keyId`; several programs may share it. */
  consumerKey: string;
  /** Verifies the program's signatures: a public key or certificate as PEM. */
  signingPublicKey: string | KeyObject;
  /** Opens the program's `enrollmentData`: an RSA private key as PEM. */
  decryptionPrivateKey: string | KeyObject;
  /** A key id of the encryption key that is accepted besides its derived one. */
  kid?: string | undefined;
}

/** Options of the simulator that it cannot work with. */
export class SimulatorOptionsError extends Error {
  override readonly name = 'SimulatorOptionsError';
  readonly code = 'SIMULATOR_OPTIONS_INVALID';
}

/** A program as the simulator knows it, keys read. */
export interface Client {
  srcClientId: string;
  serviceId: string;
  consumerKey: string;
  signingKey: KeyObject;
  decryptionKey: KeyObject;
  kids: ReadonlySet<string>;
}

/** Who may call. */
export class Clients {
  private readonly clients: Client[];

  /** @throws SimulatorOptionsError for a key that cannot be read, by its place in `credentials` */
  constructor(credentials: readonly SimulatorCredentials[]) {
    this.clients = credentials.map((one, i) => {
      const decryptionKey = readKey(
        one.decryptionPrivateKey,
        createPrivateKey,
        `credentials[${i}].decryptionPrivateKey`,
      );
      return {
        srcClientId: one.srcClientId,
        serviceId: one.serviceId,
        consumerKey: one.consumerKey,
        signingKey: readKey(one.signingPublicKey, createPublicKey, `credentials[${i}].signingPublicKey`),
        decryptionKey,
        kids: new Set([fingerprintOf(decryptionKey), ...(one.kid === undefined ? [] : [one.kid])]),
      };
    });
  }

  /**
   * Takes another key into use for every program, and forgets the one before.
   * @throws SimulatorOptionsError
   */
  rekey(decryptionPrivateKey: string | KeyObject): void {
    const decryptionKey = readKey(decryptionPrivateKey, createPrivateKey, 'decryptionPrivateKey');
    const kids = new Set([fingerprintOf(decryptionKey)]);
    for (const client of this.clients) Object.assign(client, { decryptionKey, kids });
  }

  /** The key that verifies a consumer key's signatures, or undefined for one that is not known. */
  signingKeyOf(consumerKey: string): KeyObject | undefined {
    return this.clients.find((client) => client.consumerKey === consumerKey)?.signingKey;
  }

  /**
   * The program that a caller speaks for.
   *
   * @param consumerKey that signed the request
   * @throws ApiError 400 INVALID_STATE if the ids are not those of a program with this consumer key
   */
  authorise(consumerKey: string, ids: { srcClientId: string; serviceId: string }): Client {
    const own = this.clients.filter((client) => client.consumerKey === consumerKey);
    const sameClient = own.filter((client) => client.srcClientId === ids.srcClientId);
    const client = sameClient.find((one) => one.serviceId === ids.serviceId);
    if (client) return client;
    const source = sameClient.length > 0 ? 'serviceId' : 'srcClientId';
    throw new ApiError(400, {
      reason: 'INVALID_STATE',
      message: `The ${source} is not known for this consumer key`,
      details: [{ reason: 'NOT_FOUND', source, message: 'Not known for this consumer key' }],
    });
  }
}

function readKey(key: string | KeyObject, read: (pem: string) => KeyObject, where: string): KeyObject {
  if (key instanceof KeyObject) return key;
  try {
    return read(key);
  } catch {
    throw new SimulatorOptionsError(`${where}: not a key in PEM; give the text of the file, not its path`);
  }
}
