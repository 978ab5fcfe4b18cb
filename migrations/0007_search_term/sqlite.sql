-- The tokens of the index in their order: which of them begin so is asked before a search is.
CREATE VIRTUAL TABLE search_term USING fts5vocab (customer_search, instance);
