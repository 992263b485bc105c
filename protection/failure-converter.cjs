/* eslint-disable @typescript-eslint/no-require-imports -- Temporal's SDK loads this file with require, the bundler too */
const { DefaultFailureConverter } = require('@temporalio/common');

/**
 * Moves message and stack of every failure into a payload, which the payload codec then encrypts like any
 * other; only its `type` stays readable. A failure of an application in any other form is not c2p's, and so its type
 * says nothing.
 */
class ProtectingFailureConverter extends DefaultFailureConverter {
  failureToErrorInner(failure, ...rest) {
    if (failure.applicationFailureInfo && !failure.encodedAttributes) {
      const applicationFailureInfo = { ...failure.applicationFailureInfo, type: 'FailureRefused' };
      return super.failureToErrorInner({ ...failure, applicationFailureInfo }, ...rest);
    }
    return super.failureToErrorInner(failure, ...rest);
  }
}

exports.failureConverter = new ProtectingFailureConverter({ encodeCommonAttributes: true });
