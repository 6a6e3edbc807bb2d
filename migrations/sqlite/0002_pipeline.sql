-- Blueprint 1.1 and 1.2: definitions, runs and what happened in them. Columns after the blank line are ours.

-- Only added to: a run pins the version it began with.
CREATE TABLE pipeline_definitions (
  pipeline_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  definition_hash TEXT NOT NULL,
  definition TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  PRIMARY KEY (pipeline_id, version),
  UNIQUE (pipeline_id, definition_hash)
);

CREATE TABLE pipeline_runs (
  id TEXT PRIMARY KEY,
  workflow_id TEXT NOT NULL REFERENCES workflows(id),
  request_id TEXT,
  seed INTEGER NOT NULL,
  status TEXT NOT NULL,
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  finished_at TEXT,
  result TEXT NOT NULL DEFAULT '{}',

  pipeline_id TEXT NOT NULL,
  definition_version INTEGER NOT NULL,
  folder TEXT,
  input TEXT NOT NULL DEFAULT 'null',
  hosted TEXT NOT NULL DEFAULT '[]',
  simulated INTEGER NOT NULL DEFAULT 0,
  forecast TEXT,
  owner_id TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  recoveries INTEGER NOT NULL DEFAULT 0,
  iteration INTEGER NOT NULL DEFAULT 0,
  cancel_requested_at TEXT,
  actor TEXT NOT NULL DEFAULT '',
  FOREIGN KEY (pipeline_id, definition_version) REFERENCES pipeline_definitions(pipeline_id, version)
);
-- A request is carried out once, however often it is sent.
CREATE UNIQUE INDEX pipeline_runs_request ON pipeline_runs(workflow_id, request_id) WHERE request_id IS NOT NULL;
-- The newest runs of a workflow: forecasts are made from what happened in them.
CREATE INDEX pipeline_runs_workflow ON pipeline_runs(workflow_id, id);
CREATE INDEX pipeline_runs_open ON pipeline_runs(id) WHERE status IN ('PENDING', 'RUNNING', 'COMPENSATING');

CREATE TABLE pipeline_stage_runs (
  id TEXT PRIMARY KEY,
  pipeline_run_id TEXT NOT NULL REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  stage_num INTEGER NOT NULL,
  stage_name TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  finished_at TEXT,
  metrics TEXT NOT NULL DEFAULT '{}',
  error TEXT,

  kind TEXT NOT NULL DEFAULT 'STAGE',
  item_key TEXT NOT NULL DEFAULT '',
  iteration INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  seq INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  output TEXT,
  output_ref TEXT,
  simulated INTEGER NOT NULL DEFAULT 0
);
-- Takes the place of the blueprint's index (same prefix), and makes every attempt a row that is written once.
CREATE UNIQUE INDEX pipeline_stage_runs_once
  ON pipeline_stage_runs(pipeline_run_id, stage_num, item_key, kind, iteration, attempt);
-- One recorded success ever, whatever crashes and retries came between.
CREATE UNIQUE INDEX pipeline_stage_runs_success
  ON pipeline_stage_runs(pipeline_run_id, stage_num, item_key, kind, iteration) WHERE status = 'SUCCEEDED';

-- Outputs too large for the hot table.
CREATE TABLE pipeline_outputs (
  id TEXT PRIMARY KEY,
  pipeline_run_id TEXT NOT NULL REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  output TEXT NOT NULL
);

-- One row per engine that executes runs; its lock tells whether it lives, its lease where locks cannot.
CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  code_version TEXT NOT NULL,
  started_at TEXT NOT NULL,
  lease_expires_at TEXT NOT NULL
);
