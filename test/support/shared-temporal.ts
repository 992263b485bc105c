import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { startEmbeddedTemporal, type EmbeddedTemporal } from '../../dev/embedded-temporal.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers with the address of the Temporal server that test files share. */
    sharedTemporalUrl: string;
  }
}

/**
 * Offers one Temporal server to all test files, and starts it when the first of them asks: most runs of a
 * single file need none.
 * @returns what stops it.
 */
export async function offerTemporal(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<EmbeddedTemporal> | undefined;
  const offer = createServer((_request, response) => {
    server ??= startEmbeddedTemporal({});
    server.then(
      ({ address }) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => offer.listen(0, '127.0.0.1', resolve));
  project.provide('sharedTemporalUrl', `http://127.0.0.1:${(offer.address() as AddressInfo).port}`);
  return async () => {
    offer.close();
    await (await server)?.stop();
  };
}

/** The address of the Temporal server that all test files share. */
export async function sharedTemporal(): Promise<string> {
  const answer = await fetch(inject('sharedTemporalUrl'));
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
}
