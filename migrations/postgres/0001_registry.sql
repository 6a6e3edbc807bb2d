-- Blueprint 1.1: what runs where. Columns after the blank line are ours.

CREATE TABLE services (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  base_url TEXT NOT NULL,
  health_path TEXT NOT NULL DEFAULT '/api/health',
  status TEXT NOT NULL DEFAULT 'UNKNOWN',
  last_healthy_at TIMESTAMPTZ,
  metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),

  resource_version BIGINT NOT NULL DEFAULT 1,
  section TEXT,
  position BIGINT NOT NULL DEFAULT 0,
  probe_interval_ms BIGINT,
  probe_timeout_ms BIGINT,
  healthy_threshold BIGINT,
  unhealthy_threshold BIGINT,
  status_reason TEXT,
  status_changed_at TIMESTAMPTZ,
  report_expires_at TIMESTAMPTZ
);

CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  runtime TEXT NOT NULL DEFAULT 'node',
  triggers TEXT[] NOT NULL DEFAULT '{}',
  enabled BOOLEAN NOT NULL DEFAULT true,
  metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),

  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  resource_version BIGINT NOT NULL DEFAULT 1,
  section TEXT,
  position BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE workflows (
  id TEXT PRIMARY KEY,
  pipeline_id TEXT NOT NULL DEFAULT 'hcfullpipeline',
  max_concurrent_tasks INT NOT NULL DEFAULT 6,
  governance JSONB NOT NULL DEFAULT '{}'::jsonb,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),

  name TEXT NOT NULL DEFAULT '',
  metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  resource_version BIGINT NOT NULL DEFAULT 1,
  section TEXT,
  position BIGINT NOT NULL DEFAULT 0
);

-- Every section of an imported catalog that has no table of its own; a section that is not a list of entries with
-- ids is one row with the id ''. `key` is a hash of both, which have any length, and no index takes that.
CREATE TABLE registry_entries (
  key TEXT PRIMARY KEY,
  section TEXT NOT NULL,
  id TEXT NOT NULL,
  position BIGINT NOT NULL,
  body JSONB NOT NULL
);

-- The imported catalog as a whole: its plain top-level values and the order and form of its sections.
CREATE TABLE registry_documents (
  id TEXT PRIMARY KEY,
  shape TEXT NOT NULL,
  header JSONB NOT NULL,
  sections JSONB NOT NULL,
  content_hash TEXT NOT NULL,
  imported_at TIMESTAMPTZ NOT NULL
);

-- The one row that every transaction which changes the registry locks and counts up: so revisions are in the order of
-- commits and have no gaps. Events up to `compacted` are gone; about the newest `retained` are kept. `mark` is another one
-- after every transaction that may have changed entries, or `retained`: an engine goes by what it remembers only while it is
-- the same.
CREATE TABLE registry_revision (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  revision BIGINT NOT NULL,
  compacted BIGINT NOT NULL,
  retained BIGINT NOT NULL,
  mark UUID NOT NULL
);
INSERT INTO registry_revision (id, revision, compacted, retained, mark)
VALUES (1, 0, 0, 10000, '00000000-0000-0000-0000-000000000000');

-- What changed at each revision: the whole entry after the change, or before it where it was deleted.
CREATE TABLE registry_events (
  revision BIGINT PRIMARY KEY,
  change TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  -- Read whole and never looked into, so it is kept as it was sent.
  object JSON NOT NULL,
  at TIMESTAMPTZ NOT NULL
);

-- The processes that probe services, each alive until its lease runs out by the database's clock.
CREATE TABLE probers (
  id UUID PRIMARY KEY,
  lease_until TIMESTAMPTZ NOT NULL
);

-- What probes found last, and who probes: a narrow row beside the service's, because it is written again and again and
-- nobody is told. `fence` grows with every change of the prober, so that one which was only slow writes nothing more.
CREATE TABLE service_probes (
  service_id TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  prober UUID,
  fence BIGINT NOT NULL DEFAULT 0,
  -- Where it was probed: what was found at another place says nothing about this one.
  place TEXT,
  probed_at TIMESTAMPTZ,
  found TEXT,
  found_reason TEXT,
  latency_ms DOUBLE PRECISION,
  repeated BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  healthy_at TIMESTAMPTZ
);
CREATE INDEX service_probes_by_prober ON service_probes (prober);
