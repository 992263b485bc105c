import { killedDuring, killedWhileARequestIsOnItsWay } from './worker-killed.js';

killedWhileARequestIsOnItsWay();
killedDuring([
  {
    during: 'submitBatch, the request having reached Mastercard, which did not accept it',
    activity: 'submitBatch',
    stallAt: 'after submitBatch',
    fault: { operation: 'enroll', fault: { kind: 'dropBefore' } },
    offers: 2,
  },
  {
    during: 'submitBatch, Mastercard having accepted it and the answer not being recorded',
    activity: 'submitBatch',
    stallAt: 'after submitBatch',
    offers: 2,
  },
]);
