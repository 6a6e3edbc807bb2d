-- Blueprint 5.1: consents, devices and their encrypted blobs.

CREATE TABLE consents (
  id TEXT PRIMARY KEY,
  user_id TEXT,
  scope TEXT NOT NULL,
  granted INTEGER NOT NULL,
  granted_at TEXT,
  revoked_at TEXT
);

CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  user_id TEXT,
  device_public_key TEXT NOT NULL,
  device_name TEXT,
  last_seen_at TEXT
);

CREATE TABLE device_sync_blobs (
  id TEXT PRIMARY KEY,
  user_id TEXT,
  device_id TEXT REFERENCES devices(id),
  cipher_text TEXT NOT NULL,
  key_id TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
);
