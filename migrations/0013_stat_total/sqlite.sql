-- The counters that lists rank by, cities and tags, summed over all companies: a list of the largest reads as many rows as
-- it names, however many there are. Triggers keep the sums, so that a process of the release before keeps them as well.
CREATE TABLE stat_total (
  metric TEXT NOT NULL,
  key TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (metric, key)
) STRICT, WITHOUT ROWID;
INSERT INTO stat_total (metric, key, n)
  SELECT metric, key, sum(n) FROM stat_counter WHERE metric = 'city' OR metric = 'tag' GROUP BY metric, key;
CREATE INDEX stat_total_rank ON stat_total (metric, n DESC, key);
-- The same within a company.
CREATE INDEX stat_counter_rank ON stat_counter (metric, company, n DESC, key) WHERE metric = 'city' OR metric = 'tag';

CREATE TRIGGER stat_counter_insert AFTER INSERT ON stat_counter WHEN new.metric IN ('city', 'tag') BEGIN
  INSERT INTO stat_total (metric, key, n) VALUES (new.metric, new.key, new.n)
    ON CONFLICT (metric, key) DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER stat_counter_update AFTER UPDATE OF n ON stat_counter WHEN new.metric IN ('city', 'tag') BEGIN
  UPDATE stat_total SET n = n + new.n - old.n WHERE metric = new.metric AND key = new.key;
END;
CREATE TRIGGER stat_counter_delete AFTER DELETE ON stat_counter WHEN old.metric IN ('city', 'tag') AND old.n <> 0 BEGIN
  UPDATE stat_total SET n = n - old.n WHERE metric = old.metric AND key = old.key;
END;
CREATE INDEX stat_total_zero ON stat_total (metric, key) WHERE n = 0;
