import eslint from '@eslint/js';
import temporal from 'eslint-plugin-temporal';
import tseslint from 'typescript-eslint';

/** What each may import; `cli`, `dev`, `test`, `bench` and `examples` may import all. Modules may import in one direction only. */
const MAY_IMPORT = {
  enrollment: ['protection/mask'],
  protection: [],
  store: ['protection'],
  retention: ['enrollment', 'store', 'protection'],
  bulk: ['enrollment', 'store', 'protection'],
  mastercard: ['enrollment', 'protection'],
  config: ['enrollment', 'mastercard', 'protection'],
  activities: ['enrollment', 'mastercard', 'store', 'retention', 'protection', 'bulk'],
  client: [
    'enrollment',
    'mastercard/api/batch-id',
    'store',
    'retention',
    'protection',
    'config',
    'workflows',
    'bulk',
  ],
  worker: ['enrollment', 'mastercard', 'store', 'protection', 'config', 'workflows', 'activities', 'bulk'],
  doctor: ['enrollment', 'mastercard', 'store', 'protection', 'config', 'workflows', 'worker'],
  // It must share nothing with the code that it checks.
  simulator: [],
};
const ROOMS = [...Object.keys(MAY_IMPORT), 'workflows', 'cli', 'dev'];

const roomRules = Object.entries(MAY_IMPORT).map(([room, allowed]) => {
  const others = ROOMS.filter((other) => other !== room && !allowed.includes(other)).join('|');
  const files = allowed.filter((one) => one.includes('/')).join('|');
  const regex = `^(?:\\.\\./)+${files && `(?!(?:${files})\\.js$)`}(?:${others})/`;
  const message = `${room}/ may import only ${allowed.join(', ') || 'nothing of ours'}.`;
  return {
    files: [`${room}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message }] }] },
  };
});

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test/histories'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js', 'examples/*.mjs'] } },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  ...roomRules,
  {
    // Workflow code runs in the deterministic sandbox: our own pure code, types, and the SDK's workflow package.
    files: ['workflows/**/*.ts'],
    plugins: { temporal },
    rules: {
      ...temporal.configs.workflow.rules,
      // A person may take months: those waits have no timeout.
      'temporal/workflow-condition-timeout-style': 'off',
      // These misjudge: setHandler returns nothing, helpers are no workflows and their parameters no
      // payloads, and Date.now and Math.random are deterministic in the sandbox.
      'temporal/workflow-no-floating-promises': 'off',
      'temporal/workflow-prefer-single-object-args': 'off',
      'temporal/workflow-no-nonserializable-types-in-payloads': 'off',
      'temporal/workflow-no-wall-clock-assumptions': 'off',
      'temporal/workflow-no-nondeterministic-control-flow': 'off',
      // The name of a call goes to the activity that answers it, and is not kept.
      'temporal/workflow-no-workflow-prng-for-persisted-ids': 'off',
      // Does not follow options that are made of others.
      'temporal/workflow-require-activity-timeouts': 'off',
      // A plain error is a defect of ours: Temporal holds the workflow task until a worker without it takes it.
      'temporal/workflow-no-throw-raw-error': 'off',
      // `test/workflows/golden-histories.test.ts` shows it for every change.
      'temporal/workflow-replay-testing-required-comment': 'off',
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex:
                '^(?!@temporalio/(?:workflow|common)$|\\./|\\.\\./[a-z-]+\\.js$|\\.\\./(?:batch|bulk)/|' +
                '(?:\\.\\./){1,2}enrollment/|(?:\\.\\./){1,2}(?:activities/index|protection/(?:mask|printable|refused-payload))\\.js$).+',
              message:
                'Workflows import only @temporalio/workflow (and common), enrollment/, protection/mask, protection/refused-payload, protection/printable and types of activities/.',
            },
            {
              regex: '^(?:\\.\\./)+enrollment/(schemas|validation|policy-schema|schema-problems)\\.js$',
              message: 'zod and the validators stay out of the workflow bundle.',
            },
            {
              regex: '^(?:\\.\\./)+activities/',
              allowTypeImports: true,
              message: 'Workflows import only the types of activities.',
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.{js,mjs,cjs}'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { require: 'readonly', exports: 'writable' } },
  },
  { files: ['examples/*.mjs'], languageOptions: { globals: { console: 'readonly', process: 'readonly' } } },
);
