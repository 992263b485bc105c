// node enroll.js cards.jsonl: enrolls the records of a file as one batch and prints every card's outcome.
import { readFile } from 'node:fs/promises';
import { EnrollmentClient, type EnrollmentRecord, type Outcome } from 'c2p';

const lines = (await readFile(process.argv[2]!, 'utf8')).trim().split('\n');
const records = lines.map((line) => JSON.parse(line) as EnrollmentRecord);
const client = await EnrollmentClient.connect();
const batch = await client.enroll({ externalBatchId: 'typescript-0001', program: 'demo', records });
const { status, counts } = await batch.result();
console.log(status, counts);
const outcomes: Outcome[] = await batch.outcomes();
for (const { externalCardId, status, reason } of outcomes) console.log(externalCardId, status, reason ?? '');
await client.close();
