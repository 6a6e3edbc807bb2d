-- Blueprint 4.1: tools and who may call them.

CREATE TABLE mcp_tools (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  mapped_endpoint TEXT NOT NULL,
  risk_level TEXT NOT NULL DEFAULT 'LOW',
  enabled INTEGER NOT NULL DEFAULT 1,
  metadata TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE tool_policies (
  id TEXT PRIMARY KEY,
  tool_id TEXT NOT NULL REFERENCES mcp_tools(id),
  environment TEXT NOT NULL,
  requires_approval INTEGER NOT NULL DEFAULT 0,
  allowed_roles TEXT NOT NULL DEFAULT '[]',
  rate_limit_per_min INTEGER,
  constraints TEXT NOT NULL DEFAULT '{}'
);
