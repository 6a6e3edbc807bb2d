-- Drift of the registry: what its sources said last, and in what they differ.

CREATE TABLE registry_snapshots (
  source TEXT PRIMARY KEY,
  location TEXT,
  content_hash TEXT,
  content JSONB,
  taken_at TIMESTAMPTZ,
  -- Why the last look failed; what an earlier one saw stays.
  error JSONB,
  failed_at TIMESTAMPTZ
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
  orphan BOOLEAN NOT NULL,
  desired JSONB,
  observed JSONB,
  first_seen TIMESTAMPTZ NOT NULL,
  last_seen TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (source, key)
);
