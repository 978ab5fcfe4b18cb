-- What searching needs of a customer beside the customer: folded texts, and the number under which the index knows it.
-- Written with the customer, in the same transaction; docs/search.md says how it is used.
CREATE TABLE search_entry (
  -- The order of results: the newest has the highest.
  seq INTEGER PRIMARY KEY,
  customer_id BLOB NOT NULL REFERENCES customer (id),
  -- Of the rules that made it; an older one is made again.
  version INTEGER NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT NOT NULL,
  username TEXT NOT NULL,
  company_name TEXT NOT NULL,
  city TEXT NOT NULL,
  phone TEXT NOT NULL,
  CONSTRAINT search_entry_customer_id_key UNIQUE (customer_id)
) STRICT;

-- The index. Tokens are made in Rust and separated by spaces: every other character is part of one.
CREATE VIRTUAL TABLE customer_search USING fts5 (
  tokens, content = '', contentless_delete = 1, detail = none,
  tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);
-- Writers join parts of the index seldom; housekeeping (`search.merge`) joins whatever are two of a size.
INSERT INTO customer_search (customer_search, rank) VALUES ('automerge', 8);
INSERT INTO customer_search (customer_search, rank) VALUES ('crisismerge', 16);
INSERT INTO customer_search (customer_search, rank) VALUES ('usermerge', 2);
-- A bulk load of some thousand customers in one transaction writes one part.
INSERT INTO customer_search (customer_search, rank) VALUES ('hashsize', 8000000);

-- Both at once: one statement writes an entry, as on PostgreSQL.
CREATE VIEW search_write AS
  SELECT customer_id, version, '' AS tokens, first_name, last_name, email, username, company_name, city, phone
  FROM search_entry;
CREATE TRIGGER search_write_insert INSTEAD OF INSERT ON search_write BEGIN
  INSERT INTO search_entry (customer_id, version, first_name, last_name, email, username, company_name, city, phone)
  VALUES (NEW.customer_id, NEW.version, NEW.first_name, NEW.last_name, NEW.email, NEW.username, NEW.company_name, NEW.city,
    NEW.phone)
  ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, first_name = excluded.first_name,
    last_name = excluded.last_name, email = excluded.email, username = excluded.username,
    company_name = excluded.company_name, city = excluded.city, phone = excluded.phone;
  INSERT OR REPLACE INTO customer_search (rowid, tokens)
    SELECT seq, NEW.tokens FROM search_entry WHERE customer_id = NEW.customer_id;
END;
CREATE TRIGGER search_entry_delete AFTER DELETE ON search_entry BEGIN
  DELETE FROM customer_search WHERE rowid = OLD.seq;
END;
