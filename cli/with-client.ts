import type { EnrollmentClient } from '../client/enrollment-client.js';

/** Runs a command with a connected client, and closes the client whatever happens. */
export async function withClient<T>(work: (client: EnrollmentClient) => Promise<T>): Promise<T> {
  const { EnrollmentClient } = await import('../client/enrollment-client.js');
  const client = await EnrollmentClient.connect();
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
