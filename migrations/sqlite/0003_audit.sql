-- Blueprint 2.2: who did what. Columns after the blank line are ours.

CREATE TABLE audit_logs (
  -- The rows stand in the order of their chains: the upper bits are the chain's number, the lower 40 the row's in it. No other
  -- index of that order is kept: SQLite rebalances one over and over, where each row is appended to its end.
  place INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  status TEXT NOT NULL,
  details TEXT NOT NULL DEFAULT '{}',
  timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),

  -- The place in the hash chain. Nothing is checked here, as verifying finds whatever no engine writes.
  chain_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  -- What the chain knows of the details, which may be erased together with their salt.
  details_commit BLOB NOT NULL,
  salt BLOB,
  -- Of a tool call.
  call_id TEXT,
  policy_version INTEGER
);

-- The last row of each chain.
CREATE TABLE audit_heads (
  chain_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL
) WITHOUT ROWID;

-- Signed statements about all heads at a moment.
CREATE TABLE audit_checkpoints (
  id TEXT PRIMARY KEY CHECK (typeof(id) = 'text'),
  rows INTEGER NOT NULL,
  note TEXT NOT NULL,
  public_key TEXT NOT NULL,
  created_at TEXT NOT NULL
) WITHOUT ROWID;

-- What was written stays, but for details that are erased. With the place, because UPDATE OR REPLACE deletes the row that has the
-- one it sets, and no trigger for deletes fires on connections that are not ours: recursive_triggers is off there.
CREATE TRIGGER audit_logs_update BEFORE UPDATE ON audit_logs
WHEN NOT (NEW.details = '{}' AND NEW.salt IS NULL
  AND (NEW.place, NEW.id, NEW.actor, NEW.action, NEW.target, NEW.status, NEW.timestamp, NEW.chain_id, NEW.seq, NEW.prev_hash,
       NEW.hash, NEW.details_commit, NEW.call_id, NEW.policy_version)
  IS  (OLD.place, OLD.id, OLD.actor, OLD.action, OLD.target, OLD.status, OLD.timestamp, OLD.chain_id, OLD.seq, OLD.prev_hash,
       OLD.hash, OLD.details_commit, OLD.call_id, OLD.policy_version))
BEGIN SELECT RAISE(ABORT, 'an audit row cannot be changed; only its details can be erased'); END;
CREATE TRIGGER audit_logs_delete BEFORE DELETE ON audit_logs
BEGIN SELECT RAISE(ABORT, 'an audit row cannot be deleted'); END;
-- No trigger keeps INSERT OR REPLACE of such a connection from taking a row's place: to look for that row would take SQLite a fifth
-- more time for each that is appended. Verifying finds it.
-- No trigger guards where a head is moved to, as none does on PostgreSQL, where it costs much. One that was moved back is
-- found by verifying, and nobody continues its chain.
CREATE TRIGGER audit_heads_delete BEFORE DELETE ON audit_heads
BEGIN SELECT RAISE(ABORT, 'an audit chain cannot be deleted'); END;
CREATE TRIGGER audit_checkpoints_insert BEFORE INSERT ON audit_checkpoints
WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'an audit checkpoint cannot be changed'); END;
CREATE TRIGGER audit_checkpoints_update BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'an audit checkpoint cannot be changed'); END;
CREATE TRIGGER audit_checkpoints_delete BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'an audit checkpoint cannot be deleted'); END;
