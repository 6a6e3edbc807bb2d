-- Blueprint 5.1: consents, devices and their encrypted blobs.

CREATE TABLE consents (
  id UUID PRIMARY KEY,
  user_id TEXT,
  scope TEXT NOT NULL,
  granted BOOLEAN NOT NULL,
  granted_at TIMESTAMPTZ,
  revoked_at TIMESTAMPTZ
);

CREATE TABLE devices (
  id UUID PRIMARY KEY,
  user_id TEXT,
  device_public_key TEXT NOT NULL,
  device_name TEXT,
  last_seen_at TIMESTAMPTZ
);

CREATE TABLE device_sync_blobs (
  id UUID PRIMARY KEY,
  user_id TEXT,
  device_id UUID REFERENCES devices(id),
  cipher_text TEXT NOT NULL,
  key_id TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
