//! The SQL of the audit log.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::note::Head;
use super::row::LogRow;
use super::{
    AuditCheckpoint, AuditEntry, AuditPage, AuditQuery, CheckpointPage, CheckpointQuery, chain,
};
use crate::error::{Error, Result};
use crate::store::{Arg, Dialect, Mark, Page, Row, Sql, Store, Transaction, args};
use crate::types::{Id, Timestamp, unhex};

/// Appends rows and moves the head of their chain to the last one. Rows that do not continue the head's row set it to
/// NULL, which the table refuses: a writer whose knowledge of the chain is stale writes nothing. On PostgreSQL the head moves
/// before the first row is written, as [`locked_head`] locks it first: in the other order two writers wait for each other.
pub(super) fn insert() -> Sql {
    Sql::of(
        "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp,
            chain_id, seq, prev_hash, hash, details_commit, salt)
         SELECT value ->> 'id', value ->> 'actor', value ->> 'action', value ->> 'target', value ->> 'status',
            value -> 'details', value ->> 'timestamp',
            value ->> 'chain_id', value ->> 'seq', value ->> 'prev_hash', value ->> 'hash', value ->> 'details_commit',
            value ->> 'salt'
         FROM jsonb_each($1);
         INSERT INTO audit_heads (chain_id, seq, hash)
         SELECT chain_id, seq, hash FROM audit_logs WHERE rowid = last_insert_rowid()
         ON CONFLICT (chain_id) DO UPDATE SET hash = excluded.hash, seq = CASE WHEN EXISTS (
            SELECT 1 FROM audit_logs AS next WHERE next.chain_id = audit_heads.chain_id
            AND next.seq = audit_heads.seq + 1 AND next.prev_hash = audit_heads.hash) THEN excluded.seq END",
        "WITH record AS MATERIALIZED (
            SELECT * FROM json_to_recordset($1::json) AS record(id uuid, actor text, action text, target text,
                status text, details jsonb, timestamp timestamptz, chain_id text, seq bigint, prev_hash text,
                hash text, details_commit text, salt text)
         ),
         head AS (
            INSERT INTO audit_heads (chain_id, seq, hash)
            SELECT chain_id, seq, hash FROM record ORDER BY seq DESC LIMIT 1
            ON CONFLICT (chain_id) DO UPDATE SET hash = excluded.hash, seq = CASE WHEN EXISTS (
                SELECT 1 FROM record AS next WHERE next.seq = audit_heads.seq + 1
                AND next.prev_hash = audit_heads.hash) THEN excluded.seq END
            RETURNING chain_id
         )
         INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp,
            chain_id, seq, prev_hash, hash, details_commit, salt)
         SELECT id, actor, action, target, status, details, timestamp,
            record.chain_id, seq, prev_hash, hash, details_commit, salt FROM record JOIN head ON true",
    )
}

/// Reads the head of a chain for the writer that will continue it in this transaction.
pub(super) async fn locked_head(transaction: &mut Transaction, chain_id: &str) -> Result<Mark> {
    let text = "SELECT seq, hash FROM audit_heads WHERE chain_id = $1";
    let sql = Sql::of(text, format!("{text} FOR UPDATE"));
    let mut row = transaction
        .fetch_optional(sql.clone(), args![chain_id])
        .await?;
    if row.is_none() && transaction.dialect() != Dialect::Sqlite {
        // There is no row to lock yet, so two engines could both begin this chain: the second waits here for the first.
        transaction.fetch_all(BEGIN_CHAIN, args![chain_id]).await?;
        row = transaction.fetch_optional(sql, args![chain_id]).await?;
    }
    match row {
        Some(row) => Ok(Mark {
            seq: row.get("seq")?,
            digest: digest(&row, "hash")?,
        }),
        None => Ok(Mark {
            seq: 0,
            digest: chain::genesis(chain_id),
        }),
    }
}

const BEGIN_CHAIN: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/heady/audit/' || $1, 0))";

fn digest(row: &Row, column: &str) -> Result<chain::Digest> {
    let text: String = row.get(column)?;
    unhex(&text).ok_or_else(|| {
        Error::data_loss(format!(
            "the stored column '{column}' is no SHA-256: '{text}'"
        ))
    })
}

/// Whether a row of this identifier exists.
pub(super) async fn is_stored(transaction: &mut Transaction, id: &Id) -> Result<bool> {
    let sql = "SELECT 1 AS there FROM audit_logs WHERE id = $1";
    let row = transaction.fetch_optional(sql, vec![Arg::uuid(id)]).await?;
    Ok(row.is_some())
}

pub(super) async fn list(store: &Store, query: AuditQuery) -> Result<AuditPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    // Only what is asked for stands in the statement, so that an index can serve it. Identifiers grow with time, within
    // a second, so those of other days need not be looked at.
    let (mut conditions, mut args) = (String::new(), Vec::new());
    let mut only = |condition: &str, arg: Arg| {
        args.push(arg);
        conditions += &format!(" AND {condition} ${}", args.len());
    };
    for (column, value) in [
        ("actor =", query.actor),
        ("action =", query.action),
        ("target =", query.target),
        ("status =", query.status),
    ] {
        if let Some(value) = value {
            only(column, value.into());
        }
    }
    let second = chrono::Duration::seconds(1);
    if let Some(since) = query.since {
        only("timestamp >=", since.into());
        only("id >=", Arg::Uuid(Some(first_id(since - second))));
    }
    if let Some(until) = query.until {
        only("timestamp <", until.into());
        only("id <", Arg::Uuid(Some(first_id(until + second))));
    }
    if let Some(before) = page.before {
        only("id <", Arg::Uuid(Some(before)));
    }
    args.push(page.rows().into());
    let sql = format!(
        "SELECT * FROM audit_logs WHERE true{conditions} ORDER BY id DESC LIMIT ${}",
        args.len()
    );
    let rows = store.fetch_all(sql, args).await?;
    let entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
    let (entries, next) = page.cut(entries, |entry| &entry.id);
    Ok(AuditPage { entries, next })
}

/// The least identifier of a moment.
fn first_id(time: Timestamp) -> uuid::Uuid {
    let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

fn entry(row: &Row) -> Result<AuditEntry> {
    let row = LogRow::of(row)?;
    Ok(AuditEntry {
        id: row.id,
        actor: row.actor,
        action: row.action,
        target: row.target,
        status: row.status,
        details: row.details.into(),
        timestamp: row.timestamp,
        chain_id: row.chain_id,
        seq: row.seq,
        hash: row.hash,
        call_id: row.call_id,
        policy_version: row.policy_version,
    })
}

/// A place in a chain, between rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    seq: i64,
    id: uuid::Uuid,
}

impl Cursor {
    pub(super) fn start() -> Self {
        Self {
            seq: i64::MIN,
            id: uuid::Uuid::nil(),
        }
    }

    /// Reads what a cursor's text has.
    pub(super) fn read(seq: &str, id: &str) -> Option<Self> {
        Some(Self {
            seq: seq.parse().ok()?,
            id: id.parse().ok()?,
        })
    }

    /// Just after a row.
    pub(super) fn at(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            id: row.get::<Id>("id")?.uuid().unwrap_or(uuid::Uuid::max()),
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.id)
    }
}

/// The next rows of a chain, in its order. Places that several rows claim are no reason to miss one.
pub(super) async fn rows_after(
    store: &Store,
    chain_id: &str,
    after: &Cursor,
    limit: i64,
) -> Result<Vec<Row>> {
    store
        .fetch_all(
            "SELECT * FROM audit_logs WHERE chain_id = $1 AND seq >= $2 AND (seq > $2 OR id > $3)
             ORDER BY seq, id LIMIT $4",
            vec![
                chain_id.into(),
                after.seq.into(),
                Arg::Uuid(Some(after.id)),
                limit.into(),
            ],
        )
        .await
}

/// The next chain by name that has rows or a head.
pub(super) async fn next_chain(store: &Store, after: &str) -> Result<Option<String>> {
    let row = store
        .fetch_optional(
            "SELECT min(chain_id) AS chain_id FROM (
                SELECT min(chain_id) AS chain_id FROM audit_logs WHERE chain_id > $1
                UNION ALL SELECT min(chain_id) FROM audit_heads WHERE chain_id > $1) AS next",
            args![after],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get("chain_id"))
}

fn read_head(row: &Row) -> Result<Head> {
    let hash: String = row.get("hash")?;
    Ok(Head {
        chain_id: row.get("chain_id")?,
        seq: row.get("seq")?,
        // A head that is no hash equals no row's.
        hash: unhex(&hash).unwrap_or_default(),
    })
}

pub(super) async fn head(store: &Store, chain_id: &str) -> Result<Option<Head>> {
    let sql = "SELECT chain_id, seq, hash FROM audit_heads WHERE chain_id = $1";
    let row = store.fetch_optional(sql, args![chain_id]).await?;
    row.as_ref().map(read_head).transpose()
}

/// All heads at one moment.
pub(super) async fn heads(store: &Store) -> Result<Vec<Head>> {
    let sql = "SELECT chain_id, seq, hash FROM audit_heads ORDER BY chain_id";
    let rows = store.fetch_all(sql, vec![]).await?;
    rows.iter().map(read_head).collect()
}

/// The greatest place of a chain.
pub(super) async fn last_seq(store: &Store, chain_id: &str) -> Result<i64> {
    let sql = "SELECT coalesce(max(seq), 0) AS seq FROM audit_logs WHERE chain_id = $1";
    let row = store.fetch_optional(sql, args![chain_id]).await?;
    row.map_or(Ok(0), |row| row.get("seq"))
}

/// The hashes of the rows at these places.
pub(super) async fn hashes_at(
    store: &Store,
    places: &[&Head],
) -> Result<HashMap<(String, i64), String>> {
    let document: Value = places
        .iter()
        .map(|head| json!([head.chain_id, head.seq]))
        .collect();
    let sql = Sql::of(
        "SELECT chain_id, seq, hash FROM json_each($1) AS place
         JOIN audit_logs ON chain_id = place.value ->> 0 AND seq = place.value ->> 1",
        "SELECT chain_id, seq, hash FROM json_array_elements($1::json) AS place(value)
         JOIN audit_logs ON chain_id = value ->> 0 AND seq = (value ->> 1)::bigint",
    );
    let rows = store.fetch_all(sql, args![document.to_string()]).await?;
    rows.iter()
        .map(|row| Ok(((row.get("chain_id")?, row.get("seq")?), row.get("hash")?)))
        .collect()
}

pub(super) async fn add_checkpoint(store: &Store, checkpoint: &AuditCheckpoint) -> Result<()> {
    let args = vec![
        Arg::uuid(&checkpoint.id),
        checkpoint.rows.into(),
        (&checkpoint.note).into(),
        (&checkpoint.public_key).into(),
        checkpoint.created_at.into(),
    ];
    store
        .write(move |transaction| {
            Box::pin(async move {
                let sql = "INSERT INTO audit_checkpoints (id, rows, note, public_key, created_at) VALUES ($1, $2, $3, $4, $5)";
                transaction.execute(sql, args).await.map(drop)
            })
        })
        .await
}

fn checkpoint(row: &Row) -> Result<AuditCheckpoint> {
    Ok(AuditCheckpoint {
        id: row.get("id")?,
        rows: row.get("rows")?,
        note: row.get("note")?,
        public_key: row.get("public_key")?,
        created_at: row.get("created_at")?,
    })
}

/// Checkpoints in the order in which they were made.
pub(super) async fn checkpoints_after(
    store: &Store,
    after: Option<&Id>,
    limit: i64,
) -> Result<Vec<AuditCheckpoint>> {
    let after = after.and_then(Id::uuid).unwrap_or(uuid::Uuid::nil());
    let sql = "SELECT * FROM audit_checkpoints WHERE id > $1 ORDER BY id LIMIT $2";
    let args = vec![Arg::Uuid(Some(after)), limit.into()];
    let rows = store.fetch_all(sql, args).await?;
    rows.iter().map(checkpoint).collect()
}

pub(super) async fn list_checkpoints(
    store: &Store,
    query: CheckpointQuery,
) -> Result<CheckpointPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    let before = page.before.unwrap_or(uuid::Uuid::max());
    let sql = "SELECT * FROM audit_checkpoints WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let args = vec![Arg::Uuid(Some(before)), page.rows().into()];
    let rows = store.fetch_all(sql, args).await?;
    let checkpoints = rows.iter().map(checkpoint).collect::<Result<Vec<_>>>()?;
    let (checkpoints, next) = page.cut(checkpoints, |checkpoint| &checkpoint.id);
    Ok(CheckpointPage { checkpoints, next })
}

/// The keys that the stored checkpoints name.
pub(super) async fn public_keys(store: &Store) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT public_key FROM audit_checkpoints ORDER BY public_key";
    let rows = store.fetch_all(sql, vec![]).await?;
    rows.iter().map(|row| row.get("public_key")).collect()
}
