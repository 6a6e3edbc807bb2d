-- Every simulation that was asked for, so that it can be found, compared and replayed.

CREATE TABLE simulations (
  id UUID PRIMARY KEY,
  pipeline_run_id UUID REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  plan_hash TEXT NOT NULL,
  seed BIGINT NOT NULL,
  method TEXT NOT NULL,
  samples BIGINT NOT NULL,
  digest TEXT NOT NULL,
  plan JSONB NOT NULL,
  result JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX simulations_time ON simulations(created_at, id);

-- What scenarios in the callers' simple form came to.
CREATE TABLE scenarios (
  id UUID PRIMARY KEY,
  result JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
