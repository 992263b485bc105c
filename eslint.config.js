import eslint from '@eslint/js';
import temporal from 'eslint-plugin-temporal';
import tseslint from 'typescript-eslint';

/** Which room may import which (arrows point one way); `test`, `bench`, `dev` and `cli` may import all. */
const FORBIDDEN = {
  enrollment: [
    'workflows',
    'activities',
    'mastercard',
    'store',
    'protection',
    'client',
    'worker',
    'cli',
    'simulator',
    'dev',
    'config',
  ],
  protection: [
    'enrollment',
    'workflows',
    'activities',
    'mastercard',
    'store',
    'client',
    'worker',
    'cli',
    'simulator',
    'dev',
    'config',
  ],
  store: [
    'enrollment',
    'workflows',
    'activities',
    'mastercard',
    'client',
    'worker',
    'cli',
    'simulator',
    'dev',
    'config',
  ],
  mastercard: ['workflows', 'activities', 'store', 'client', 'worker', 'cli', 'simulator', 'dev', 'config'],
  config: ['workflows', 'activities', 'store', 'client', 'worker', 'cli', 'simulator', 'dev'],
  activities: ['workflows', 'client', 'worker', 'cli', 'simulator', 'dev', 'config'],
  client: ['activities', 'mastercard', 'worker', 'cli', 'simulator', 'dev'],
  worker: ['client', 'cli', 'simulator', 'dev'],
  simulator: [
    'enrollment',
    'workflows',
    'activities',
    'store',
    'protection',
    'client',
    'worker',
    'cli',
    'dev',
    'config',
  ],
};

const roomRules = Object.entries(FORBIDDEN).map(([room, others]) => ({
  files: [`${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: others.map((other) => `../${other}/*`),
            message: `${room}/ must not depend on this folder.`,
          },
        ],
      },
    ],
  },
}));

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
      // These three misjudge: setHandler returns nothing, helpers are no workflows, and Date.now and
      // Math.random are deterministic in the sandbox.
      'temporal/workflow-no-floating-promises': 'off',
      'temporal/workflow-prefer-single-object-args': 'off',
      'temporal/workflow-no-nondeterministic-control-flow': 'off',
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex:
                '^(?!@temporalio/(?:workflow|common)$|\\./|\\.\\./enrollment/|\\.\\./activities/index\\.js$).+',
              message:
                'Workflows import only @temporalio/workflow (and common), enrollment/ and types of activities/.',
            },
            {
              regex: '^\\.\\./enrollment/(schemas|validation|policy-schema|schema-problems)\\.js$',
              message: 'zod and the validators stay out of the workflow bundle.',
            },
            {
              regex: '^\\.\\./activities/',
              allowTypeImports: true,
              message: 'Workflows import only the types of activities.',
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.{js,mjs}'], extends: [tseslint.configs.disableTypeChecked] },
  { files: ['examples/*.mjs'], languageOptions: { globals: { console: 'readonly', process: 'readonly' } } },
);
