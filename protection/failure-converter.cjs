/* eslint-disable @typescript-eslint/no-require-imports -- Temporal's SDK loads this file with require, the bundler too */
const { DefaultFailureConverter } = require('@temporalio/common');

/**
 * Moves message and stack of every failure into a payload, which the payload codec then encrypts like any
 * other; only its `type` stays readable. It reads failures of either form.
 */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
