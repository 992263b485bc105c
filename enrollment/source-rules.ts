/** What a portfolio may be: everyone who may start workflows can name one. */
export interface SourceRules {
  /**
   * Whether an address may lead into the worker's own networks, or to the worker itself, which `http:` may then do,
   * too.
   */
  allowPrivateAddresses: boolean;
  gzip: {
    /** How many times its compressed size a source may have, at most. */
    maxRatio: number;
    /** Of a source, decompressed. */
    maxBytes: number;
  };
}

/** CSV and JSON shrink to a third or a tenth, a gzip bomb to a thousandth; 100 GB are some 500 million cards. */
export const DEFAULT_SOURCE_RULES: SourceRules = {
  allowPrivateAddresses: false,
  gzip: { maxRatio: 100, maxBytes: 100_000_000_000 },
};
