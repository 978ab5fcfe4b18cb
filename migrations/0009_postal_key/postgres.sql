-- Keys of postal codes beyond ASCII: those of customers from before migration 0004 were made by SQL, which folds less than
-- Rust. It makes them again itself, soon after the start: what waits for it has no key.
UPDATE customer SET postal_key = NULL
WHERE erased_at IS NULL AND octet_length(postal_code) <> length(postal_code);

CREATE INDEX customer_without_postal_key ON customer (id)
  WHERE postal_code IS NOT NULL AND postal_key IS NULL AND erased_at IS NULL;
