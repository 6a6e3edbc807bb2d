-- Drift of the registry: what its sources said last, and in what they differ.

CREATE TABLE registry_snapshots (
  source TEXT PRIMARY KEY,
  location TEXT,
  content_hash TEXT,
  content TEXT,
  taken_at TEXT,
  -- Why the last look failed; what an earlier one saw stays.
  error TEXT,
  failed_at TEXT
);

CREATE TABLE registry_drift (
  source TEXT NOT NULL,
  -- The hash of what it is told from others by: an entry of which kind, and where in it. Names alone may be those of two.
  key TEXT NOT NULL,
  section TEXT NOT NULL,
  id TEXT NOT NULL,
  path TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  reason TEXT NOT NULL,
  orphan INTEGER NOT NULL,
  desired TEXT,
  observed TEXT,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  PRIMARY KEY (source, key)
);
