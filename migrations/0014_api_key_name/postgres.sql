-- The name that a living key has for itself: within a company, and among the keys of none. NULL once it has ended, and in
-- keys of the releases before, where two could have one name: the elder keeps it.
ALTER TABLE api_key ADD COLUMN living_name text COLLATE "C";
-- The key that made it, without which it does not hold.
ALTER TABLE api_key ADD COLUMN parent_id uuid REFERENCES api_key (id);

UPDATE api_key SET living_name = name
WHERE revoked_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM api_key o
                  WHERE o.name = api_key.name AND o.revoked_at IS NULL AND o.company_id IS NOT DISTINCT FROM api_key.company_id
                    AND o.id < api_key.id);

CREATE UNIQUE INDEX api_key_living_name_key ON api_key (living_name) WHERE company_id IS NULL;
CREATE UNIQUE INDEX api_key_company_id_living_name_key ON api_key (company_id, living_name) WHERE company_id IS NOT NULL;
CREATE INDEX api_key_created ON api_key (created_at, id);

-- Staff are few among many customers.
CREATE INDEX user_account_staff ON user_account (role, id) WHERE role <> 'customer';
