-- Blueprint 1.1 and 1.2: definitions, runs and what happened in them. Columns after the blank line are ours.

-- Only added to: a run pins the version it began with.
CREATE TABLE pipeline_definitions (
  pipeline_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  definition_hash TEXT NOT NULL,
  definition JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (pipeline_id, version),
  UNIQUE (pipeline_id, definition_hash)
);

CREATE TABLE pipeline_runs (
  id UUID PRIMARY KEY,
  workflow_id TEXT NOT NULL REFERENCES workflows(id),
  request_id TEXT,
  seed BIGINT NOT NULL,
  status TEXT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  finished_at TIMESTAMPTZ,
  result JSONB NOT NULL DEFAULT '{}'::jsonb,

  pipeline_id TEXT NOT NULL,
  definition_version BIGINT NOT NULL,
  folder TEXT,
  input JSONB NOT NULL DEFAULT 'null'::jsonb,
  hosted JSONB NOT NULL DEFAULT '[]'::jsonb,
  simulated BOOLEAN NOT NULL DEFAULT false,
  forecast JSONB,
  owner_id UUID,
  fence BIGINT NOT NULL DEFAULT 0,
  recoveries BIGINT NOT NULL DEFAULT 0,
  iteration BIGINT NOT NULL DEFAULT 0,
  cancel_requested_at TIMESTAMPTZ,
  actor TEXT NOT NULL DEFAULT '',
  FOREIGN KEY (pipeline_id, definition_version) REFERENCES pipeline_definitions(pipeline_id, version)
) WITH (fillfactor = 80);
-- A request is carried out once, however often it is sent.
CREATE UNIQUE INDEX pipeline_runs_request ON pipeline_runs(workflow_id, request_id) WHERE request_id IS NOT NULL;
-- The newest runs of a workflow: forecasts are made from what happened in them.
CREATE INDEX pipeline_runs_workflow ON pipeline_runs(workflow_id, id);
CREATE INDEX pipeline_runs_open ON pipeline_runs(id) WHERE status IN ('PENDING', 'RUNNING', 'COMPENSATING');

CREATE TABLE pipeline_stage_runs (
  id UUID PRIMARY KEY,
  pipeline_run_id UUID NOT NULL REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  stage_num INT NOT NULL,
  stage_name TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  finished_at TIMESTAMPTZ,
  metrics JSONB NOT NULL DEFAULT '{}'::jsonb,
  error TEXT,

  kind TEXT NOT NULL DEFAULT 'STAGE',
  item_key TEXT NOT NULL DEFAULT '',
  iteration BIGINT NOT NULL DEFAULT 0,
  attempt BIGINT NOT NULL DEFAULT 0,
  seq BIGINT NOT NULL DEFAULT 0,
  error_code TEXT,
  output JSONB,
  output_ref UUID,
  simulated BOOLEAN NOT NULL DEFAULT false
);
-- Takes the place of the blueprint's index (same prefix), and makes every attempt a row that is written once.
CREATE UNIQUE INDEX pipeline_stage_runs_once
  ON pipeline_stage_runs(pipeline_run_id, stage_num, item_key, kind, iteration, attempt);
-- One recorded success ever, whatever crashes and retries came between.
CREATE UNIQUE INDEX pipeline_stage_runs_success
  ON pipeline_stage_runs(pipeline_run_id, stage_num, item_key, kind, iteration) WHERE status = 'SUCCEEDED';

-- Outputs too large for the hot table.
CREATE TABLE pipeline_outputs (
  id UUID PRIMARY KEY,
  pipeline_run_id UUID NOT NULL REFERENCES pipeline_runs(id) ON DELETE CASCADE,
  output JSONB NOT NULL
);

-- One row per engine that executes runs; its lock tells whether it lives, its lease where locks cannot.
CREATE TABLE workers (
  id UUID PRIMARY KEY,
  host TEXT NOT NULL,
  pid BIGINT NOT NULL,
  code_version TEXT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL,
  lease_expires_at TIMESTAMPTZ NOT NULL
);
