-- The first schema. docs/database.md explains the conventions: `*_key` columns hold normalised text that
-- Rust computed; COLLATE "C" orders them by code point, as SQLite does; every record has created_at, updated_at, version.

-- One row per fact about the deployment, such as the fingerprint of its master key.
CREATE TABLE setting (
  name text PRIMARY KEY,
  value text NOT NULL
);

-- ── Who may do what ─────────────────────────────────────────────────────────────────────────────────
CREATE TABLE role (
  code text PRIMARY KEY,
  name text NOT NULL,
  reach text NOT NULL CHECK (reach IN ('all', 'company', 'own')),
  permissions jsonb NOT NULL,
  position bigint NOT NULL
);
INSERT INTO role (code, name, reach, permissions, position) VALUES
  ('admin', 'Admin', 'all', '["all"]', 1),
  ('manager', 'Manager', 'company', '["customers.read","customers.write","vehicles.read","vehicles.write","services.read","services.write","documents.read","documents.write","notes.read","notes.write","companies.read","companies.write","document_types.read","users.read","users.manage","statistics.read","events.read"]', 2),
  ('employee', 'Employee', 'all', '["customers.read","customers.write","vehicles.read","vehicles.write","services.read","services.write","documents.read","documents.write","notes.read","notes.write","document_types.read","statistics.read"]', 3),
  ('viewer', 'Viewer', 'company', '["customers.read","vehicles.read","services.read","documents.read","notes.read","companies.read","document_types.read","users.read","statistics.read"]', 4),
  ('customer', 'Customer', 'own', '["read"]', 5);

CREATE TABLE company (
  id uuid PRIMARY KEY,
  company_id text COLLATE "C" NOT NULL,
  company_key text NOT NULL,
  name text NOT NULL,
  business_name text NOT NULL,
  document_type text NOT NULL,
  document_number text NOT NULL,
  document_number_key text COLLATE "C" NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'inactive', 'suspended')),
  days_credit bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT company_company_id_key UNIQUE (company_id),
  CONSTRAINT company_company_key_key UNIQUE (company_key),
  CONSTRAINT company_document_number_key_key UNIQUE (document_number_key)
);

CREATE TABLE document_type (
  id uuid PRIMARY KEY,
  code text NOT NULL,
  name text NOT NULL,
  description text,
  country_code text COLLATE "C",
  applies_to text NOT NULL,
  is_active boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT document_type_code_key UNIQUE (code)
);

-- ── Who is calling ──────────────────────────────────────────────────────────────────────────────────
CREATE SEQUENCE user_account_unique_no START 10000000;

CREATE TABLE user_account (
  id uuid PRIMARY KEY,
  unique_no bigint NOT NULL,
  username text COLLATE "C" NOT NULL,
  email text,
  email_key text COLLATE "C",
  email_verified boolean NOT NULL,
  -- When its owner proved the address. A mark set by staff never counts for claiming or reset.
  email_proven_at timestamptz,
  pending_email text,
  first_name text NOT NULL,
  last_name text NOT NULL,
  name_key text COLLATE "C" NOT NULL,
  phone text,
  phone_digits text,
  phone_e164 text,
  phone_verified boolean NOT NULL,
  role text NOT NULL REFERENCES role (code),
  company_id uuid REFERENCES company (id),
  address text,
  document_type text,
  number_document_identity text,
  locale text,
  is_active boolean NOT NULL,
  last_login timestamptz,
  legacy_user_id bigint,
  erased_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT user_account_unique_no_key UNIQUE (unique_no),
  CONSTRAINT user_account_username_key UNIQUE (username),
  CONSTRAINT user_account_email_key_key UNIQUE (email_key),
  CONSTRAINT user_account_legacy_user_id_key UNIQUE (legacy_user_id)
);
CREATE UNIQUE INDEX user_account_phone_e164_key ON user_account (phone_e164) WHERE phone_verified;
CREATE INDEX user_account_phone_digits ON user_account (phone_digits);
CREATE INDEX user_account_name ON user_account (name_key);
CREATE INDEX user_account_company ON user_account (company_id);

-- Names of erased users, as SHA-256: never given to anybody else.
CREATE TABLE retired_username (
  hash bytea PRIMARY KEY
);

-- A password; a user without one cannot log in until it is claimed.
CREATE TABLE credential (
  user_id uuid PRIMARY KEY REFERENCES user_account (id),
  password_hash text NOT NULL,
  changed_at timestamptz NOT NULL
);

CREATE TABLE session (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES user_account (id),
  ip text,
  user_agent text,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  idle_until timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_because text
);
CREATE INDEX session_by_user ON session (user_id, created_at);
CREATE INDEX session_by_end ON session (ends_at);

-- Every refresh token of a session, hashed: one that was used and comes again betrays a theft.
CREATE TABLE refresh_token (
  hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

-- Links sent by mail (claim, verify, change), hashed, consumed once; and notices (told), which are used from the start.
CREATE TABLE mail_token (
  hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES user_account (id),
  purpose text NOT NULL,
  email text NOT NULL,
  -- The normalised form: mails are counted by it, whoever asked for them.
  email_key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX mail_token_user ON mail_token (user_id);
CREATE INDEX mail_token_address ON mail_token (email_key, created_at);
CREATE INDEX mail_token_end ON mail_token (expires_at);

CREATE TABLE signing_key (
  kid text PRIMARY KEY,
  algorithm text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_sealed bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  created_at timestamptz NOT NULL,
  state_since timestamptz NOT NULL
);
-- At most one active key per algorithm.
CREATE UNIQUE INDEX signing_key_algorithm_key ON signing_key (algorithm) WHERE state = 'active';

CREATE TABLE api_key (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  hash bytea NOT NULL,
  role text NOT NULL REFERENCES role (code),
  scopes jsonb NOT NULL,
  company_id uuid REFERENCES company (id),
  creator_id uuid REFERENCES user_account (id),
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT api_key_hash_key UNIQUE (hash)
);

-- ── Customers ───────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE customer (
  id uuid PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL,
  -- NULL only in the tombstone that erasing leaves.
  user_id uuid REFERENCES user_account (id),
  address_line1 text,
  address_line2 text,
  city text,
  city_key text COLLATE "C",
  state text,
  state_key text COLLATE "C",
  postal_code text,
  country text,
  country_code text COLLATE "C",
  date_of_birth date,
  gender text,
  company_name text,
  business_type text,
  tax_id text,
  emergency_contact_name text,
  emergency_contact_phone text,
  emergency_contact_relationship text,
  is_active boolean NOT NULL,
  deactivated_at timestamptz,
  deactivation_reason text,
  is_verified boolean NOT NULL,
  verified_at timestamptz,
  verified_by text,
  customer_since timestamptz NOT NULL,
  last_service_date timestamptz,
  total_services bigint NOT NULL,
  last_login_at timestamptz,
  preferred_contact_method text NOT NULL,
  notification_preferences jsonb NOT NULL,
  marketing_emails boolean NOT NULL,
  marketing_sms boolean NOT NULL,
  notes text,
  tags text NOT NULL,
  external_id text,
  metadata jsonb NOT NULL,
  erased_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT customer_customer_id_key UNIQUE (customer_id),
  CONSTRAINT customer_user_id_key UNIQUE (user_id),
  CONSTRAINT customer_external_id_key UNIQUE (external_id),
  CHECK (user_id IS NOT NULL OR erased_at IS NOT NULL)
);
CREATE INDEX customer_created ON customer (created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_updated ON customer (updated_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_active ON customer (is_active, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_place ON customer (country_code, state_key, city_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_city ON customer (city_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_country ON customer (country_code, created_at, id) WHERE erased_at IS NULL;

CREATE TABLE tag (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  name_key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT tag_name_key_key UNIQUE (name_key)
);
CREATE TABLE customer_tag (
  tag_id uuid NOT NULL REFERENCES tag (id),
  customer_id uuid NOT NULL REFERENCES customer (id),
  PRIMARY KEY (tag_id, customer_id)
);
CREATE INDEX customer_tag_customer ON customer_tag (customer_id);

-- What customers allowed, append-only; customer.marketing_* is its current state.
CREATE TABLE consent_event (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES customer (id),
  purpose text NOT NULL,
  state boolean NOT NULL,
  source text NOT NULL,
  text_version text,
  actor text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX consent_event_customer ON consent_event (customer_id, at);

-- Exact counts without counting. A number is the sum of its counter and its deltas: PostgreSQL appends deltas
-- (no row that every transaction waits for) and folds them, SQLite's one writer adds to the counter at once.
-- `company` is the nil UUID for customers without one.
CREATE TABLE stat_counter (
  metric text NOT NULL,
  key text NOT NULL,
  company uuid NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (metric, key, company)
);
CREATE INDEX stat_counter_zero ON stat_counter (metric) WHERE n = 0;
CREATE TABLE stat_delta (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  metric text NOT NULL,
  key text NOT NULL,
  company uuid NOT NULL,
  n bigint NOT NULL
);

-- ── What happened ───────────────────────────────────────────────────────────────────────────────────
-- `seq` orders by transaction, then by place within it: a reader that stops before the oldest transaction
-- still running skips nothing. `event_epoch` lifts it over the numbers of a restored or copied database.
CREATE TABLE event_epoch (
  base bigint NOT NULL
);
INSERT INTO event_epoch (base) VALUES (0);

CREATE TABLE event (
  seq bigint PRIMARY KEY,
  id uuid NOT NULL,
  at timestamptz NOT NULL,
  actor_kind text NOT NULL,
  actor_id uuid,
  actor_name text NOT NULL,
  request_id text NOT NULL,
  action text NOT NULL,
  subject_type text NOT NULL,
  subject_id uuid NOT NULL,
  subject_ref text NOT NULL,
  customer_id uuid,
  company_id uuid,
  fields jsonb NOT NULL
);
CREATE INDEX event_customer ON event (customer_id, seq);
CREATE INDEX event_subject ON event (subject_id, seq);
CREATE INDEX event_company ON event (company_id, seq);

-- Before and after, apart from the event: deleted when the customer is erased or its retention ends.
CREATE TABLE event_change (
  event_seq bigint PRIMARY KEY REFERENCES event (seq),
  customer_id uuid,
  before jsonb,
  after jsonb,
  ip text,
  at timestamptz NOT NULL
);
CREATE INDEX event_change_customer ON event_change (customer_id);

-- ── Shared ground ───────────────────────────────────────────────────────────────────────────────────
CREATE TABLE job (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  -- At most one unfinished job of a kind has this key.
  dedupe_key text,
  payload jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('ready', 'running', 'done', 'failed')),
  run_at timestamptz NOT NULL,
  attempts bigint NOT NULL,
  locked_until timestamptz,
  locked_by uuid,
  progress jsonb,
  last_error text,
  customer_id uuid,
  created_at timestamptz NOT NULL,
  finished_at timestamptz
);
CREATE UNIQUE INDEX job_kind_dedupe_key_key ON job (kind, dedupe_key) WHERE state IN ('ready', 'running');
CREATE INDEX job_ready ON job (run_at, id) WHERE state = 'ready';
CREATE INDEX job_running ON job (locked_until) WHERE state = 'running';
CREATE INDEX job_customer ON job (customer_id);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;

-- The answer to a request with an Idempotency-Key, stored in the transaction of what it did.
CREATE TABLE idempotency_key (
  scope bytea PRIMARY KEY,
  fingerprint bytea NOT NULL,
  -- 0: done, but the reply was not kept.
  status bigint NOT NULL,
  headers jsonb NOT NULL,
  body bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX idempotency_key_expiry ON idempotency_key (expires_at);

-- The customers that a stored answer tells of: erasing one of them deletes it.
CREATE TABLE idempotency_customer (
  scope bytea NOT NULL REFERENCES idempotency_key (scope) ON DELETE CASCADE,
  customer_id uuid NOT NULL,
  PRIMARY KEY (scope, customer_id)
);
CREATE INDEX idempotency_customer_customer ON idempotency_customer (customer_id);
