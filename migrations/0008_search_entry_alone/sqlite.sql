-- Entries are written at once and the index at the end of the transaction that writers share. Together, in triggers, FTS5
-- wrote down a part of the index for each customer, and joining these was most of what searching cost a writer.
DROP VIEW search_write;
DROP TRIGGER search_entry_delete;
