/** What is checked, in the order of `examine`. */
export const CHECKS = [
  'configuration',
  'certificates',
  'proxy',
  'key-file',
  'data-keys',
  'signing-key',
  'signing-certificate',
  'encryption-key',
  'encryption-certificate',
  'tls-certificate',
  'store',
  'free-space',
  'store-keys',
  'key-ring-probe',
  'temporal',
  'namespace',
  'search-attributes',
  'task-queue',
  'sweep',
  'worker-versions',
  'clock',
  'gateway',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** One thing that was looked at. No text holds a secret: only paths, names of fields, ids and fingerprints. */
export interface Finding {
  check: CheckName;
  /** Whose, of what a program has for itself. */
  program?: string | undefined;
  /** `skipped`: not looked at; `found` says why. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  found: string;
  /** What to do, of a `warning` and of what `failed`. */
  todo?: string | undefined;
}

/** Makes the findings of one check. */
export function findings(check: CheckName, program?: string) {
  const finding = (status: Finding['status'], found: string, todo?: string): Finding => ({
    check,
    program,
    status,
    found,
    todo,
  });
  return {
    ok: (found: string) => finding('ok', found),
    warning: (found: string, todo: string) => finding('warning', found, todo),
    failed: (found: string, todo: string) => finding('failed', found, todo),
    skipped: (why: string) => finding('skipped', why),
  };
}

/** What an error says; of ours, that is never a secret. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
