-- The counters that lists rank by, cities and tags, summed over all companies: a list of the largest reads as many rows as
-- it names, however many there are. Triggers keep the sums, so that a process of the release before keeps them as well. Differences that
-- are not folded yet are in neither; whoever reads adds them.
CREATE TABLE stat_total (
  metric text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (metric, key)
);
-- Nothing is folded between the sums and the triggers.
LOCK TABLE stat_counter IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO stat_total (metric, key, n)
  SELECT metric, key, CAST(sum(n) AS bigint) FROM stat_counter WHERE metric = 'city' OR metric = 'tag' GROUP BY metric, key;
CREATE INDEX stat_total_rank ON stat_total (metric, n DESC, key);
-- The same within a company.
CREATE INDEX stat_counter_rank ON stat_counter (metric, company, n DESC, key) WHERE metric = 'city' OR metric = 'tag';

-- Rows of a fold come in one order of keys, and so do their sums: two folds wait for each other, and never in a circle.
CREATE FUNCTION stat_counter_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO stat_total AS t (metric, key, n) VALUES (new.metric, new.key, new.n)
      ON CONFLICT (metric, key) DO UPDATE SET n = t.n + excluded.n;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE stat_total SET n = n + new.n - old.n WHERE metric = new.metric AND key = new.key;
  ELSE
    UPDATE stat_total SET n = n - old.n WHERE metric = old.metric AND key = old.key;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER stat_counter_insert AFTER INSERT ON stat_counter
  FOR EACH ROW WHEN (new.metric IN ('city', 'tag')) EXECUTE FUNCTION stat_counter_total();
CREATE TRIGGER stat_counter_update AFTER UPDATE OF n ON stat_counter
  FOR EACH ROW WHEN (new.metric IN ('city', 'tag')) EXECUTE FUNCTION stat_counter_total();
CREATE TRIGGER stat_counter_delete AFTER DELETE ON stat_counter
  FOR EACH ROW WHEN (old.metric IN ('city', 'tag') AND old.n <> 0) EXECUTE FUNCTION stat_counter_total();
CREATE INDEX stat_total_zero ON stat_total (metric, key) WHERE n = 0;
