/** The URL of a store's database cannot be used. The message holds nothing of it. */
export class StoreUrlError extends Error {
  override readonly name = 'StoreUrlError';
  readonly code = 'STORE_URL_INVALID';
  constructor(problem: string) {
    super(`the configuration's store.urlEnv: ${problem}`);
  }
}
