-- Ours: who may call over HTTP. Of a key only the SHA-256 of its secret is kept.

CREATE TABLE api_keys (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  environment TEXT NOT NULL,
  roles TEXT[] NOT NULL,
  hash TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  revoked_at TIMESTAMPTZ
);
-- The audit log names a key by its name.
CREATE UNIQUE INDEX api_keys_name ON api_keys(name) WHERE revoked_at IS NULL;
