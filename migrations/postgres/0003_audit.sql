-- Blueprint 2.2: who did what. Columns after the blank line are ours.

CREATE TABLE audit_logs (
  id UUID PRIMARY KEY,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  status TEXT NOT NULL,
  details JSONB NOT NULL DEFAULT '{}'::jsonb,
  timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),

  -- The place of the hash chain.
  chain_id TEXT,
  seq BIGINT,
  prev_hash TEXT,
  hash TEXT
);
CREATE INDEX audit_logs_time ON audit_logs(timestamp, id);
