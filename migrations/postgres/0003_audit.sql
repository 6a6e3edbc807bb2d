-- Blueprint 2.2: who did what. Columns after the blank line are ours.

CREATE TABLE audit_logs (
  id UUID PRIMARY KEY,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  status TEXT NOT NULL,
  details JSONB NOT NULL DEFAULT '{}'::jsonb,
  timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),

  -- The place in the hash chain. Nothing is checked here: verifying finds whatever no engine writes, and PostgreSQL reads a
  -- CHECK anew for each statement.
  chain_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  prev_hash BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  -- What the chain knows of the details, which may be erased together with their salt.
  details_commit BYTEA NOT NULL,
  salt BYTEA,
  -- Of a tool call.
  call_id UUID,
  policy_version BIGINT,
  UNIQUE (chain_id, seq)
);

-- The last row of each chain.
CREATE TABLE audit_heads (
  chain_id TEXT COLLATE "C" PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL
) WITH (fillfactor = 50);

-- Signed statements about all heads at a moment.
CREATE TABLE audit_checkpoints (
  id UUID PRIMARY KEY,
  rows BIGINT NOT NULL,
  note TEXT NOT NULL,
  public_key TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

-- What was written stays, but for details that are erased.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- In a function, because the condition of a trigger is copied for each statement on its table, appends too.
CREATE FUNCTION audit_refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.details = '{}' AND NEW.salt IS NULL
    AND (NEW.id, NEW.actor, NEW.action, NEW.target, NEW.status, NEW.timestamp, NEW.chain_id, NEW.seq, NEW.prev_hash,
         NEW.hash, NEW.details_commit, NEW.call_id, NEW.policy_version)
    IS NOT DISTINCT FROM
        (OLD.id, OLD.actor, OLD.action, OLD.target, OLD.status, OLD.timestamp, OLD.chain_id, OLD.seq, OLD.prev_hash,
         OLD.hash, OLD.details_commit, OLD.call_id, OLD.policy_version)
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'an audit row cannot be changed; only its details can be erased'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER audit_logs_update BEFORE UPDATE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_erased();
CREATE TRIGGER audit_logs_delete BEFORE DELETE ON audit_logs FOR EACH ROW
EXECUTE FUNCTION audit_refuse('an audit row cannot be deleted');
CREATE TRIGGER audit_logs_truncate BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT
EXECUTE FUNCTION audit_refuse('an audit row cannot be deleted');
-- No trigger guards where a head is moved to: it would nearly double what every append pays for its head. One that was moved
-- back is found by verifying, and nobody continues its chain.
CREATE TRIGGER audit_heads_delete BEFORE DELETE ON audit_heads FOR EACH ROW
EXECUTE FUNCTION audit_refuse('an audit chain cannot be deleted');
CREATE TRIGGER audit_heads_truncate BEFORE TRUNCATE ON audit_heads FOR EACH STATEMENT
EXECUTE FUNCTION audit_refuse('an audit chain cannot be deleted');
CREATE TRIGGER audit_checkpoints_update BEFORE UPDATE ON audit_checkpoints FOR EACH ROW
EXECUTE FUNCTION audit_refuse('an audit checkpoint cannot be changed');
CREATE TRIGGER audit_checkpoints_delete BEFORE DELETE ON audit_checkpoints FOR EACH ROW
EXECUTE FUNCTION audit_refuse('an audit checkpoint cannot be deleted');
CREATE TRIGGER audit_checkpoints_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT
EXECUTE FUNCTION audit_refuse('an audit checkpoint cannot be deleted');
