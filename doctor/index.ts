export { checkConfiguration } from './configuration.js';
export { examine, type Examination } from './examine.js';
export { CHECKS, type CheckName, type Finding } from './finding.js';
