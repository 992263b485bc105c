/**
 * Sealed blobs, and the outcomes of closed batches for SQL queries.
 *
 * Names sort by their bytes (`collate "C"`), as they do on disk. A sealed blob does not compress, and its
 * key id is read from its own header (`protection/seal.ts`), so that the two never disagree.
 */
export const sql = `
create table c2p.blobs (
  program text collate "C" not null,
  external_batch_id text collate "C" not null,
  ref text collate "C" not null,
  sealed bytea not null,
  key_id text not null
    generated always as (encode(substring(sealed from 6 for get_byte(sealed, 4)), 'escape')) stored,
  written_at timestamptz not null default now(),
  primary key (program, external_batch_id, ref)
);
alter table c2p.blobs alter column sealed set storage external;
comment on table c2p.blobs is 'Sealed with AES-256-GCM: unreadable without the key ring of c2p.';
comment on column c2p.blobs.key_id is 'The key of the key ring that the blob is sealed under.';
comment on column c2p.blobs.written_at is 'When it was last put; sealing it anew under another key does not count.';

create table c2p.outcomes (
  program text collate "C" not null,
  external_batch_id text collate "C" not null,
  external_consumer_id text collate "C" not null,
  external_card_id text collate "C" not null,
  status text not null,
  round integer,
  reason text,
  closed_at timestamptz not null,
  primary key (program, external_batch_id, external_consumer_id, external_card_id)
);
comment on table c2p.outcomes is 'What became of each card of each closed batch. c2p writes it and never reads it.';
comment on column c2p.outcomes.status is 'ENROLLED, FAILED, INVALID, ROLLED_BACK or UNREPORTED.';
comment on column c2p.outcomes.round is 'The submission that decided it; null for a card that was never sent.';
comment on column c2p.outcomes.closed_at is 'When the batch was closed.';
`;
