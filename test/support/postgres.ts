import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import pg from 'pg';
import { freePort } from '../../dev/free-port.js';
import { migrate } from '../../store/migrate.js';
import { postgresPlace, type PostgresPlace } from '../../store/postgres-connection.js';
import { postgresBinaries } from './postgres-binaries.js';
import { until } from './until.js';

const USER = 'c2p_owner';
const NOBODY = 65_534;

/** A PostgreSQL to make databases in; `close` removes each that was made. */
export interface TestPostgres {
  /** @returns the URL of a new, empty database. */
  emptyDatabase(): Promise<string>;
  /** @returns the URL of a new database with the tables of a store. */
  storeDatabase(): Promise<string>;
  close(): Promise<void>;
}

/** The server that `C2P_TEST_POSTGRES_URL` names, whose user may make databases; else one of the test's own. */
export async function providePostgres(): Promise<TestPostgres> {
  const url = process.env['C2P_TEST_POSTGRES_URL'];
  return url ? new Databases(url) : PostgresServer.start();
}

class Databases implements TestPostgres {
  private readonly made: string[] = [];

  constructor(private readonly url: string) {}

  async emptyDatabase(): Promise<string> {
    const name = `c2p_test_${randomBytes(6).toString('hex')}`;
    await this.run(`create database ${name}`);
    this.made.push(name);
    const url = new URL(this.url);
    url.pathname = name;
    return url.href;
  }

  async storeDatabase(): Promise<string> {
    const url = await this.emptyDatabase();
    await migrate(placeOf(url));
    return url;
  }

  async close(): Promise<void> {
    for (const name of this.made) await this.run(`drop database ${name} with (force)`);
  }

  private run(sql: string): Promise<unknown[]> {
    return query(this.url, sql);
  }
}

/** A server process on a free loopback port, on a data folder of its own. */
export class PostgresServer extends Databases {
  private server: ResultPromise | undefined;

  private constructor(
    private readonly folder: string,
    private readonly start: () => ResultPromise,
    private readonly address: string,
  ) {
    super(address);
  }

  static async start(): Promise<PostgresServer> {
    const binaries = await postgresBinaries();
    const folder = await mkdtemp(join(tmpdir(), 'c2p-postgres-'));
    const password = randomBytes(12).toString('hex');
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password);
    const user = await unprivileged();
    if (user) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid);
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder, reject: false, all: true } as const;
    const how = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync'];
    const init = ['-D', data, '-U', USER, '--pwfile', passwordFile, ...how];
    const { failed, all } = await execa(join(binaries, 'initdb'), init, options);
    if (failed) throw new Error(`initdb of ${binaries} failed: ${all}`);
    const port = await freePort();
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
    const start = () => execa(join(binaries, 'postgres'), args, options);
    const address = `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
    const server = new PostgresServer(folder, start, address);
    await server.startAgain();
    return server;
  }

  /** On the same address and data. */
  async startAgain(): Promise<void> {
    const server = this.start();
    this.server = server;
    let ended: string | undefined;
    void server.then(({ all }) => (ended = String(all)));
    await until(async () => {
      if (ended !== undefined) throw new Error(`PostgreSQL ended: ${ended}`);
      return query(this.address, 'select 1').then(
        () => true,
        () => false,
      );
    });
  }

  /** Ends it at once, with every connection, as a crash would (but that no process of it is left behind). */
  async crash(): Promise<void> {
    this.server?.kill('SIGQUIT');
    await this.server;
  }

  override async close(): Promise<void> {
    this.server?.kill('SIGINT');
    await this.server;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** As whom a server runs that refuses to run as root; nothing where this process is somebody else. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { stdout } = await execa('id', ['-u', 'postgres'], { reject: false });
  const uid = Number(stdout) || NOBODY;
  return { uid, gid: uid };
}

/** The rows of a statement. */
export async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

export function placeOf(url: string): PostgresPlace {
  return postgresPlace('URL', { URL: url });
}
