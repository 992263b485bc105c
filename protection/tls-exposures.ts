const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED';

let wasOff = false;

/** Has this process verify the certificates of all servers, also where its environment says otherwise. */
export function verifyCertificates(env: NodeJS.ProcessEnv = process.env): void {
  if (env[VARIABLE] !== '0') return;
  wasOff = true;
  delete env[VARIABLE];
}

/** What of the environment asked this process to trust any server: a sentence that says what to do. */
export function tlsExposures(): string[] {
  if (!wasOff) return [];
  return [
    `${VARIABLE}=0 is ignored, certificates are verified: take it out of the environment, and let NODE_EXTRA_CA_CERTS ` +
      'name the file of an authority of your own',
  ];
}
