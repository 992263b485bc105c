/** For connections on which secrets or card numbers go: else Node leaves it to NODE_TLS_REJECT_UNAUTHORIZED. */
export const VERIFIED = { rejectUnauthorized: true } as const;
