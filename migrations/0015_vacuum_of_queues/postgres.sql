-- Rows of these tables live for seconds. By the defaults, a fifth of a table has to be dead before it is cleaned, and after a
-- large import whoever reads the few rows that wait reads a hundred thousand dead ones before them.
ALTER TABLE stat_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
