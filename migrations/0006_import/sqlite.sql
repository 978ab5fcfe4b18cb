-- Whom a dry run would have created: hashes of what is unique, deleted at its end.
CREATE TABLE import_key (
  batch_id BLOB NOT NULL,
  key_hash BLOB NOT NULL,
  PRIMARY KEY (batch_id, key_hash)
) STRICT, WITHOUT ROWID;
