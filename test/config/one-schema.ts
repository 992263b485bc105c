import type * as schemaModule from '../../config/schema.js';

/** For `vi.mock`: one schema for all configurations. To make one takes thirty times as long as to check with it. */
export async function oneSchema(original: <T>() => Promise<T>): Promise<typeof schemaModule> {
  const real = await original<typeof schemaModule>();
  const schema = real.configSchema('/etc/c2p');
  return { ...real, configSchema: () => schema };
}
