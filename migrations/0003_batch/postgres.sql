-- Long work that somebody asked for (public resource `job`), and what became of each row of it.
CREATE TABLE batch (
  id uuid PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'reverting', 'reverted')),
  dry_run boolean NOT NULL,
  -- Who asked: `user`, `api_key` or `system`, and as whom they appeared then.
  requester_kind text COLLATE "C" NOT NULL,
  requester_id uuid,
  requester_name text NOT NULL,
  requester_role text COLLATE "C" NOT NULL,
  company_id uuid REFERENCES company (id),
  -- What is to be done, in the words of the kind.
  spec jsonb NOT NULL,
  -- The file that is worked on, if there is one.
  input text COLLATE "C",
  -- Where to go on, in the words of the kind.
  position text COLLATE "C" NOT NULL,
  -- NULL until it is known.
  total bigint,
  processed bigint NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  unchanged bigint NOT NULL,
  skipped bigint NOT NULL,
  duplicate bigint NOT NULL,
  failed bigint NOT NULL,
  -- Tries in a row that got no further.
  faults bigint NOT NULL,
  error_code text COLLATE "C",
  error text,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX batch_created ON batch (created_at, id);
CREATE INDEX batch_requester ON batch (requester_id, created_at, id);
CREATE INDEX batch_active ON batch (updated_at) WHERE state IN ('waiting', 'running', 'reverting');
CREATE INDEX batch_finished ON batch (finished_at) WHERE finished_at IS NOT NULL;

-- One line of the report. `before` is what a revert needs.
CREATE TABLE batch_row (
  batch_id uuid NOT NULL REFERENCES batch (id),
  n bigint NOT NULL,
  verdict text COLLATE "C" NOT NULL,
  customer_id uuid,
  customer_version bigint,
  -- Tells rows of one file apart that mean the same customer.
  key_hash bytea,
  before jsonb,
  code text COLLATE "C",
  message text,
  PRIMARY KEY (batch_id, n)
);
CREATE UNIQUE INDEX batch_row_batch_id_key_hash_key ON batch_row (batch_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX batch_row_customer ON batch_row (customer_id) WHERE customer_id IS NOT NULL;
