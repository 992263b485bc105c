import { describe, expect, it, vi } from 'vitest';
import { postgresPlace } from '../../store/postgres-connection.js';

const read = (url: string) => postgresPlace('URL', { URL: url });

describe('the URL of a database', () => {
  it.each([
    'postgres://c2p:12@Hunter/Two@db.example/c2p',
    'postgres://c2p:12/Hunter@db.example/c2p',
    'postgres://c2p:12#Hunter@db.example/c2p',
    'postgres://c2p:12?Hunter@db.example/c2p',
    'postgres://c2p:Hunter@Two#x@db.example/c2p',
    'postgres://c2p:Hunter@Two?x@db.example/c2p',
    'postgres://c2p:Hunter@Two@db.example/c2p',
    'postgres://c2p:@Hunter@db.example/c2p',
    'postgres://c2p:Hunter/@db.example/c2p',
    'postgres://12/Hunter/c2p',
    'postgres://c2p:12@Hunter#db.example/c2p',
    'postgres://db.example/c2p?user=u&password=Hunter@Two',
  ])('that leaves its password open to doubt is refused without a part of it: %s', (url) => {
    expect(() => read(url)).toThrow(
      expect.objectContaining({
        code: 'STORE_URL_INVALID',
        message:
          "the configuration's store.urlEnv: the URL is malformed; write each of @ / # ? in its user, password and database as %40 %2F %23 %3F",
      }) as Error,
    );
  });

  it.each([
    [
      'postgres://c2p:a%40b%2Fc%23d%3F@db.example:6432/c2p?sslmode=verify-full',
      'a@b/c#d?',
      'db.example:6432/c2p',
    ],
    ['postgresql://c2p@db.example/c2p', '', 'db.example:5432/c2p'],
    ['postgres://db.example', '', 'db.example:5432/'],
    ['postgres:///c2p?host=/var/run/postgresql', '', '/var/run/postgresql:5432/c2p'],
  ])('that is written so is read: %s', (url, password, shown) => {
    const place = read(url);
    expect([place.config.password, place.shown]).toEqual([password, shown]);
  });

  it('has its certificate verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says', () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(read('postgres://h/d?sslmode=verify-full').config.ssl).toMatchObject({ rejectUnauthorized: true });
    vi.unstubAllEnvs();
    expect(read('postgres://h/d?sslmode=no-verify').config.ssl).toMatchObject({ rejectUnauthorized: false });
  });
});
