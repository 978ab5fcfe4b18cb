-- The first schema. docs/database.md explains the conventions: `*_key` columns hold normalised text that
-- Rust computed, so that both engines compare alike; every record has created_at, updated_at, version.

-- One row per fact about the deployment, such as the fingerprint of its master key.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- ── Who may do what ─────────────────────────────────────────────────────────────────────────────────
CREATE TABLE role (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  reach TEXT NOT NULL CHECK (reach IN ('all', 'company', 'own')),
  permissions TEXT NOT NULL,
  position INTEGER NOT NULL
) STRICT;
INSERT INTO role (code, name, reach, permissions, position) VALUES
  ('admin', 'Admin', 'all', '["all"]', 1),
  ('manager', 'Manager', 'company', '["customers.read","customers.write","vehicles.read","vehicles.write","services.read","services.write","documents.read","documents.write","notes.read","notes.write","companies.read","companies.write","document_types.read","users.read","users.manage","statistics.read","events.read"]', 2),
  ('employee', 'Employee', 'all', '["customers.read","customers.write","vehicles.read","vehicles.write","services.read","services.write","documents.read","documents.write","notes.read","notes.write","document_types.read","statistics.read"]', 3),
  ('viewer', 'Viewer', 'company', '["customers.read","vehicles.read","services.read","documents.read","notes.read","companies.read","document_types.read","users.read","statistics.read"]', 4),
  ('customer', 'Customer', 'own', '["read"]', 5);

CREATE TABLE company (
  id BLOB PRIMARY KEY,
  company_id TEXT NOT NULL,
  company_key TEXT NOT NULL,
  name TEXT NOT NULL,
  business_name TEXT NOT NULL,
  document_type TEXT NOT NULL,
  document_number TEXT NOT NULL,
  document_number_key TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended')),
  days_credit INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT company_company_id_key UNIQUE (company_id),
  CONSTRAINT company_company_key_key UNIQUE (company_key),
  CONSTRAINT company_document_number_key_key UNIQUE (document_number_key)
) STRICT;

CREATE TABLE document_type (
  id BLOB PRIMARY KEY,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  country_code TEXT,
  applies_to TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT document_type_code_key UNIQUE (code)
) STRICT;

-- ── Who is calling ──────────────────────────────────────────────────────────────────────────────────
CREATE TABLE user_account (
  id BLOB PRIMARY KEY,
  unique_no INTEGER NOT NULL,
  username TEXT NOT NULL,
  email TEXT,
  email_key TEXT,
  email_verified INTEGER NOT NULL,
  -- When its owner proved the address. A mark set by staff never counts for claiming or reset.
  email_proven_at INTEGER,
  pending_email TEXT,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  phone TEXT,
  phone_digits TEXT,
  phone_e164 TEXT,
  phone_verified INTEGER NOT NULL,
  role TEXT NOT NULL REFERENCES role (code),
  company_id BLOB REFERENCES company (id),
  address TEXT,
  document_type TEXT,
  number_document_identity TEXT,
  locale TEXT,
  is_active INTEGER NOT NULL,
  last_login INTEGER,
  legacy_user_id INTEGER,
  erased_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT user_account_unique_no_key UNIQUE (unique_no),
  CONSTRAINT user_account_username_key UNIQUE (username),
  CONSTRAINT user_account_email_key_key UNIQUE (email_key),
  CONSTRAINT user_account_legacy_user_id_key UNIQUE (legacy_user_id)
) STRICT;
CREATE UNIQUE INDEX user_account_phone_e164_key ON user_account (phone_e164) WHERE phone_verified;
CREATE INDEX user_account_phone_digits ON user_account (phone_digits);
CREATE INDEX user_account_name ON user_account (name_key);
CREATE INDEX user_account_company ON user_account (company_id);

-- Names of erased users, as SHA-256: never given to anybody else.
CREATE TABLE retired_username (
  hash BLOB PRIMARY KEY
) STRICT;

-- A password; a user without one cannot log in until it is claimed.
CREATE TABLE credential (
  user_id BLOB PRIMARY KEY REFERENCES user_account (id),
  password_hash TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
  id BLOB PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES user_account (id),
  ip TEXT,
  user_agent TEXT,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  idle_until INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_because TEXT
) STRICT;
CREATE INDEX session_by_user ON session (user_id, created_at);
CREATE INDEX session_by_end ON session (ends_at);

-- Every refresh token of a session, hashed: one that was used and comes again betrays a theft.
CREATE TABLE refresh_token (
  hash BLOB PRIMARY KEY,
  session_id BLOB NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX refresh_token_session ON refresh_token (session_id);

-- Links sent by mail (claim, verify, change), hashed, consumed once; and notices (told), which are used from the start.
CREATE TABLE mail_token (
  hash BLOB PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES user_account (id),
  purpose TEXT NOT NULL,
  email TEXT NOT NULL,
  -- The normalised form: mails are counted by it, whoever asked for them.
  email_key TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX mail_token_user ON mail_token (user_id);
CREATE INDEX mail_token_address ON mail_token (email_key, created_at);
CREATE INDEX mail_token_end ON mail_token (expires_at);

CREATE TABLE signing_key (
  kid TEXT PRIMARY KEY,
  algorithm TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  private_sealed BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  created_at INTEGER NOT NULL,
  state_since INTEGER NOT NULL
) STRICT;
-- At most one active key per algorithm.
CREATE UNIQUE INDEX signing_key_algorithm_key ON signing_key (algorithm) WHERE state = 'active';

CREATE TABLE api_key (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  role TEXT NOT NULL REFERENCES role (code),
  scopes TEXT NOT NULL,
  company_id BLOB REFERENCES company (id),
  creator_id BLOB REFERENCES user_account (id),
  expires_at INTEGER,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT api_key_hash_key UNIQUE (hash)
) STRICT;

-- ── Customers ───────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE customer (
  id BLOB PRIMARY KEY,
  customer_id TEXT NOT NULL,
  -- NULL only in the tombstone that erasing leaves.
  user_id BLOB REFERENCES user_account (id),
  address_line1 TEXT,
  address_line2 TEXT,
  city TEXT,
  city_key TEXT,
  state TEXT,
  state_key TEXT,
  postal_code TEXT,
  country TEXT,
  country_code TEXT,
  date_of_birth TEXT,
  gender TEXT,
  company_name TEXT,
  business_type TEXT,
  tax_id TEXT,
  emergency_contact_name TEXT,
  emergency_contact_phone TEXT,
  emergency_contact_relationship TEXT,
  is_active INTEGER NOT NULL,
  deactivated_at INTEGER,
  deactivation_reason TEXT,
  is_verified INTEGER NOT NULL,
  verified_at INTEGER,
  verified_by TEXT,
  customer_since INTEGER NOT NULL,
  last_service_date INTEGER,
  total_services INTEGER NOT NULL,
  last_login_at INTEGER,
  preferred_contact_method TEXT NOT NULL,
  notification_preferences TEXT NOT NULL,
  marketing_emails INTEGER NOT NULL,
  marketing_sms INTEGER NOT NULL,
  notes TEXT,
  tags TEXT NOT NULL,
  external_id TEXT,
  metadata TEXT NOT NULL,
  erased_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT customer_customer_id_key UNIQUE (customer_id),
  CONSTRAINT customer_user_id_key UNIQUE (user_id),
  CONSTRAINT customer_external_id_key UNIQUE (external_id),
  CHECK (user_id IS NOT NULL OR erased_at IS NOT NULL)
) STRICT;
CREATE INDEX customer_created ON customer (created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_updated ON customer (updated_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_active ON customer (is_active, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_place ON customer (country_code, state_key, city_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_city ON customer (city_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_country ON customer (country_code, created_at, id) WHERE erased_at IS NULL;

CREATE TABLE tag (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  CONSTRAINT tag_name_key_key UNIQUE (name_key)
) STRICT;
CREATE TABLE customer_tag (
  tag_id BLOB NOT NULL REFERENCES tag (id),
  customer_id BLOB NOT NULL REFERENCES customer (id),
  PRIMARY KEY (tag_id, customer_id)
) STRICT;
CREATE INDEX customer_tag_customer ON customer_tag (customer_id);

-- What customers allowed, append-only; customer.marketing_* is its current state.
CREATE TABLE consent_event (
  id BLOB PRIMARY KEY,
  customer_id BLOB NOT NULL REFERENCES customer (id),
  purpose TEXT NOT NULL,
  state INTEGER NOT NULL,
  source TEXT NOT NULL,
  text_version TEXT,
  actor TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_event_customer ON consent_event (customer_id, at);

-- Exact counts without counting. A number is the sum of its counter and its deltas: PostgreSQL appends deltas
-- (no row that every transaction waits for) and folds them, SQLite's one writer adds to the counter at once.
-- `company` is the nil UUID for customers without one.
CREATE TABLE stat_counter (
  metric TEXT NOT NULL,
  key TEXT NOT NULL,
  company BLOB NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (metric, key, company)
) STRICT;
CREATE INDEX stat_counter_zero ON stat_counter (metric) WHERE n = 0;
CREATE TABLE stat_delta (
  seq INTEGER PRIMARY KEY,
  metric TEXT NOT NULL,
  key TEXT NOT NULL,
  company BLOB NOT NULL,
  n INTEGER NOT NULL
) STRICT;

-- ── What happened ───────────────────────────────────────────────────────────────────────────────────
-- `seq` is the order of commits, since there is one writer. (On PostgreSQL it orders by transaction, then by place
-- within it, and `event_epoch` lifts it over the numbers of a restored database; here the table stays at 0.)
CREATE TABLE event_epoch (
  base INTEGER NOT NULL
) STRICT;
INSERT INTO event_epoch (base) VALUES (0);

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id BLOB,
  actor_name TEXT NOT NULL,
  request_id TEXT NOT NULL,
  action TEXT NOT NULL,
  subject_type TEXT NOT NULL,
  subject_id BLOB NOT NULL,
  subject_ref TEXT NOT NULL,
  customer_id BLOB,
  company_id BLOB,
  fields TEXT NOT NULL
) STRICT;
CREATE INDEX event_customer ON event (customer_id, seq);
CREATE INDEX event_subject ON event (subject_id, seq);
CREATE INDEX event_company ON event (company_id, seq);

-- Before and after, apart from the event: deleted when the customer is erased or its retention ends.
CREATE TABLE event_change (
  event_seq INTEGER PRIMARY KEY REFERENCES event (seq),
  customer_id BLOB,
  before TEXT,
  after TEXT,
  ip TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_change_customer ON event_change (customer_id);

-- ── Shared ground ───────────────────────────────────────────────────────────────────────────────────
CREATE TABLE job (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  -- At most one unfinished job of a kind has this key.
  dedupe_key TEXT,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'done', 'failed')),
  run_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  locked_until INTEGER,
  locked_by BLOB,
  progress TEXT,
  last_error TEXT,
  customer_id BLOB,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX job_kind_dedupe_key_key ON job (kind, dedupe_key) WHERE state IN ('ready', 'running');
CREATE INDEX job_ready ON job (run_at, id) WHERE state = 'ready';
CREATE INDEX job_running ON job (locked_until) WHERE state = 'running';
CREATE INDEX job_customer ON job (customer_id);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;

-- The answer to a request with an Idempotency-Key, stored in the transaction of what it did.
CREATE TABLE idempotency_key (
  scope BLOB PRIMARY KEY,
  fingerprint BLOB NOT NULL,
  -- 0: done, but the reply was not kept.
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_key_expiry ON idempotency_key (expires_at);

-- The customers that a stored answer tells of: erasing one of them deletes it.
CREATE TABLE idempotency_customer (
  scope BLOB NOT NULL REFERENCES idempotency_key (scope) ON DELETE CASCADE,
  customer_id BLOB NOT NULL,
  PRIMARY KEY (scope, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_customer_customer ON idempotency_customer (customer_id);
