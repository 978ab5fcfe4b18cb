-- Places and tags at a million customers: pages by an index, totals and pickers by counters.

-- The folded postal code without spaces and hyphens. Rust writes it; for rows that are here already this is the same
-- for every code of ASCII letters.
ALTER TABLE customer ADD COLUMN postal_key text COLLATE "C";
UPDATE customer SET postal_key = lower(replace(replace(trim(postal_code), ' ', ''), '-', ''))
WHERE postal_code IS NOT NULL AND erased_at IS NULL;

CREATE INDEX customer_postal ON customer (postal_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_state ON customer (state_key, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX customer_country_city ON customer (country_code, city_key, created_at, id) WHERE erased_at IS NULL;

-- Keys are found by their beginning, in the order of bytes.
ALTER TABLE stat_counter ALTER COLUMN metric TYPE text COLLATE "C", ALTER COLUMN key TYPE text COLLATE "C";
ALTER TABLE stat_delta ALTER COLUMN metric TYPE text COLLATE "C", ALTER COLUMN key TYPE text COLLATE "C";

-- Counters of what is there: `state` by country and state, `place` by country, city and state (the parts are
-- separated by U+001F, which no folded text contains), `tag` by tag.
INSERT INTO stat_counter (metric, key, company, n)
SELECT 'state', coalesce(c.country_code, CASE WHEN c.country IS NULL THEN '' ELSE 'other' END) || chr(31) || c.state_key,
  coalesce(u.company_id, '00000000-0000-0000-0000-000000000000'), count(*)
FROM customer c JOIN user_account u ON u.id = c.user_id
WHERE c.erased_at IS NULL AND c.state_key <> '' GROUP BY 2, 3;

INSERT INTO stat_counter (metric, key, company, n)
SELECT 'place', coalesce(c.country_code, CASE WHEN c.country IS NULL THEN '' ELSE 'other' END) || chr(31) || c.city_key
  || chr(31) || coalesce(c.state_key, ''), coalesce(u.company_id, '00000000-0000-0000-0000-000000000000'), count(*)
FROM customer c JOIN user_account u ON u.id = c.user_id
WHERE c.erased_at IS NULL AND c.city_key <> '' GROUP BY 2, 3;

INSERT INTO stat_counter (metric, key, company, n)
SELECT 'tag', t.name_key, coalesce(u.company_id, '00000000-0000-0000-0000-000000000000'), count(*)
FROM customer_tag x JOIN tag t ON t.id = x.tag_id JOIN customer c ON c.id = x.customer_id
JOIN user_account u ON u.id = c.user_id
WHERE c.erased_at IS NULL GROUP BY 2, 3;
