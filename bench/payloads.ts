import { defaultPayloadConverter } from '@temporalio/common';
import { KeyRing } from '../protection/key-ring.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';
import { measureAlternating, median } from './alternating.js';
import { benchRecords } from './data.js';
import { printFigure, printHeading } from './report.js';

const CARDS = 250;

/** The payload codec on one thread: of what Temporal usually gets, and of a full batch inline. */
export async function benchmarkPayloads(): Promise<void> {
  const codec = new EncryptingPayloadCodec(KeyRing.parse(KeyRing.generate(), 'of the benchmark'));
  const usual = [
    defaultPayloadConverter.toPayload({
      batch: { program: 'demo', externalBatchId: '2026-11-debit-0001' },
      round: 1,
    }),
  ];
  const inline = [defaultPayloadConverter.toPayload({ records: { inline: benchRecords(CARDS) } })];
  const rates = await measureAlternating(
    {
      usual: async () => codec.decode(await codec.encode(usual)),
      inline: async () => codec.decode(await codec.encode(inline)),
    },
    { rounds: 10, sliceMs: 100 },
  );
  printHeading('Payload codec, there and back');
  printFigure('arguments of an activity', median(rates.usual), 'payloads/s');
  printFigure(`the records of ${CARDS} cards`, median(rates.inline), 'payloads/s');
}
