-- Nothing here: the view that goes is SQLite's.
SELECT 1;
