-- Blueprint 2.2: who did what. Columns after the blank line are ours.

CREATE TABLE audit_logs (
  id TEXT PRIMARY KEY,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  status TEXT NOT NULL,
  details TEXT NOT NULL DEFAULT '{}',
  timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),

  -- The place of the hash chain.
  chain_id TEXT,
  seq INTEGER,
  prev_hash TEXT,
  hash TEXT
);
CREATE INDEX audit_logs_time ON audit_logs(timestamp, id);
