-- Long work that somebody asked for (public resource `job`), and what became of each row of it.
CREATE TABLE batch (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'reverting', 'reverted')),
  dry_run INTEGER NOT NULL,
  -- Who asked: `user`, `api_key` or `system`, and as whom they appeared then.
  requester_kind TEXT NOT NULL,
  requester_id BLOB,
  requester_name TEXT NOT NULL,
  requester_role TEXT NOT NULL,
  company_id BLOB REFERENCES company (id),
  -- What is to be done, in the words of the kind.
  spec TEXT NOT NULL,
  -- The file that is worked on, if there is one.
  input TEXT,
  -- Where to go on, in the words of the kind.
  position TEXT NOT NULL,
  -- NULL until it is known.
  total INTEGER,
  processed INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  -- Tries in a row that got no further.
  faults INTEGER NOT NULL,
  error_code TEXT,
  error TEXT,
  started_at INTEGER,
  finished_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX batch_created ON batch (created_at, id);
CREATE INDEX batch_requester ON batch (requester_id, created_at, id);
CREATE INDEX batch_active ON batch (updated_at) WHERE state IN ('waiting', 'running', 'reverting');
CREATE INDEX batch_finished ON batch (finished_at) WHERE finished_at IS NOT NULL;

-- One line of the report. `before` is what a revert needs.
CREATE TABLE batch_row (
  batch_id BLOB NOT NULL REFERENCES batch (id),
  n INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  customer_id BLOB,
  customer_version INTEGER,
  -- Tells rows of one file apart that mean the same customer.
  key_hash BLOB,
  before TEXT,
  code TEXT,
  message TEXT,
  PRIMARY KEY (batch_id, n)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX batch_row_batch_id_key_hash_key ON batch_row (batch_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX batch_row_customer ON batch_row (customer_id) WHERE customer_id IS NOT NULL;
