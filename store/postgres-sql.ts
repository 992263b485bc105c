import { MAX_SEALED_BYTES } from '../protection/seal.js';

/** The statements of `PostgresStore`, each complete in itself. $1 program, $2 external batch id, $3 ref, $4 sealed bytes. */

const BLOB = 'program = $1 and external_batch_id = $2 and ref = $3';
const PAGE = 1_000;

export const GET = `select substring(sealed for ${MAX_SEALED_BYTES + 1}) as sealed from c2p.blobs where ${BLOB}`;
export const KEY_ID = `select key_id from c2p.blobs where ${BLOB}`;
export const DELETE = `delete from c2p.blobs where ${BLOB}`;

export const PUT = `
  insert into c2p.blobs (program, external_batch_id, ref, sealed) values ($1, $2, $3, $4)
  on conflict (program, external_batch_id, ref)
  do update set sealed = excluded.sealed, written_at = excluded.written_at`;

/** Says that it wrote also when it finds what it wrote before the connection was lost: no two sealings are equal. */
export const PUT_NEW = `
  insert into c2p.blobs as held (program, external_batch_id, ref, sealed) values ($1, $2, $3, $4)
  on conflict (program, external_batch_id, ref)
  do update set sealed = excluded.sealed where held.sealed = excluded.sealed`;

/** $5: the bytes that $4 was made of, or nothing happens. */
export const RESEAL = `update c2p.blobs set sealed = $4 where ${BLOB} and sealed in ($5, $4)`;

export const LIST = `
  select ref from c2p.blobs where program = $1 and external_batch_id = $2 order by ref`;

export const LAST_WRITTEN = `
  select max(written_at) as at from c2p.blobs where program = $1 and external_batch_id = $2`;

/** Those behind $1, $2. */
export const BATCHES = `
  select program, external_batch_id as "externalBatchId" from c2p.blobs
  where (program, external_batch_id) > ($1, $2)
  group by program, external_batch_id order by program, external_batch_id limit ${PAGE}`;

/** $5: when the batch was closed; $6 to $10: the columns of its outcomes, row by row. */
export const PUT_WITH_OUTCOMES = `
  with blob as (${PUT}),
  outcome as (
    select * from unnest($6::text[], $7::text[], $8::text[], $9::integer[], $10::text[])
      as outcome (external_consumer_id, external_card_id, status, round, reason)
  ),
  gone as (
    delete from c2p.outcomes held where held.program = $1 and held.external_batch_id = $2
      and not exists (
        select from outcome where outcome.external_consumer_id = held.external_consumer_id
          and outcome.external_card_id = held.external_card_id)
  )
  insert into c2p.outcomes
    (program, external_batch_id, external_consumer_id, external_card_id, status, round, reason, closed_at)
  select $1, $2, external_consumer_id, external_card_id, status, round, reason, $5::timestamptz from outcome
  on conflict (program, external_batch_id, external_consumer_id, external_card_id)
  do update set status = excluded.status, round = excluded.round, reason = excluded.reason,
    closed_at = excluded.closed_at`;
