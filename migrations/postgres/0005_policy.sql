-- Blueprint 4.1: tools and who may call them.

CREATE TABLE mcp_tools (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  mapped_endpoint TEXT NOT NULL,
  risk_level TEXT NOT NULL DEFAULT 'LOW',
  enabled BOOLEAN NOT NULL DEFAULT true,
  metadata JSONB NOT NULL DEFAULT '{}'::jsonb
);

CREATE TABLE tool_policies (
  id UUID PRIMARY KEY,
  tool_id TEXT NOT NULL REFERENCES mcp_tools(id),
  environment TEXT NOT NULL,
  requires_approval BOOLEAN NOT NULL DEFAULT false,
  allowed_roles TEXT[] NOT NULL DEFAULT '{}',
  rate_limit_per_min INT,
  constraints JSONB NOT NULL DEFAULT '{}'::jsonb
);
