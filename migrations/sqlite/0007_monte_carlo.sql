-- Every simulation that was asked for, so that it can be found, compared and replayed.

CREATE TABLE simulations (
  id TEXT PRIMARY KEY,
  pipeline_run_id TEXT REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  plan_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  method TEXT NOT NULL,
  samples INTEGER NOT NULL,
  digest TEXT NOT NULL,
  plan TEXT NOT NULL,
  result TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
);
CREATE INDEX simulations_time ON simulations(created_at, id);

-- What scenarios in the callers' simple form came to.
CREATE TABLE scenarios (
  id TEXT PRIMARY KEY,
  result TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
);
