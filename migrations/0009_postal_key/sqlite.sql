-- Keys of postal codes: a change of nothing but the code left its key as it was, so they are made again. For codes of
-- ASCII this is what Rust writes. It makes those of other codes itself, soon after the start: what waits for it has no key.
UPDATE customer SET postal_key = CASE
  WHEN length(CAST(postal_code AS BLOB)) = length(postal_code)
    THEN lower(replace(replace(postal_code, ' ', ''), '-', '')) END
WHERE erased_at IS NULL AND postal_key IS NOT CASE
  WHEN length(CAST(postal_code AS BLOB)) = length(postal_code)
    THEN lower(replace(replace(postal_code, ' ', ''), '-', '')) END;

CREATE INDEX customer_without_postal_key ON customer (id)
  WHERE postal_code IS NOT NULL AND postal_key IS NULL AND erased_at IS NULL;
