declare const compactJwe: unique symbol;

/** A compact JWE that `encryptEnrollmentData` made, and the only thing that can be sent as `enrollmentData`. */
export type CompactJwe = string & { readonly [compactJwe]: true };
