-- A claim of a job is `locked_by`, a new token each time. It lives for as long as `beats` goes on: whoever sees it stand
-- still for `lease_ms` takes the job over, and no two clocks are compared. `locked_until` is for the previous release.
ALTER TABLE job ADD COLUMN beats bigint NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN lease_ms bigint;
-- What the clock said when `run_at` was set. If that is later than now, the clock was set back since.
ALTER TABLE job ADD COLUMN queued_at timestamptz;
CREATE INDEX job_kind_ready ON job (kind, run_at, id) WHERE state = 'ready';
CREATE INDEX job_queued ON job (queued_at) WHERE state = 'ready';
CREATE INDEX job_user ON job ((payload ->> 'user')) WHERE state <> 'done';

-- When each periodic task is to run next, in the whole deployment.
CREATE TABLE job_schedule (
  name text COLLATE "C" PRIMARY KEY,
  next_run_at timestamptz NOT NULL
);
