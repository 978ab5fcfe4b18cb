-- Entries of older rules are found without reading all: a process of the previous release may write some at any time.
CREATE INDEX search_entry_version ON search_entry (version, seq);
