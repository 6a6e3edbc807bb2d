//! The SQL of the audit log.

use super::{AuditEntry, AuditPage, AuditQuery, chain};
use crate::error::{Error, Result};
use crate::store::{Arg, Mark, Page, Row, Sql, Store, Transaction, args};
use crate::types::{Id, unhex};

/// Appends rows and moves the head of their chain to the last one. Rows that do not continue the head's row set it to
/// NULL, which the table refuses: a writer whose knowledge of the chain is stale writes nothing.
pub(super) fn insert() -> Sql {
    Sql::of(
        "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp,
            chain_id, seq, prev_hash, hash, details_commit, salt)
         SELECT value ->> 'id', value ->> 'actor', value ->> 'action', value ->> 'target', value ->> 'status',
            value -> 'details', value ->> 'timestamp',
            value ->> 'chain_id', value ->> 'seq', value ->> 'prev_hash', value ->> 'hash', value ->> 'details_commit',
            value ->> 'salt'
         FROM json_each($1);
         INSERT INTO audit_heads (chain_id, seq, hash)
         SELECT chain_id, seq, hash FROM audit_logs WHERE rowid = last_insert_rowid()
         ON CONFLICT (chain_id) DO UPDATE SET hash = excluded.hash, seq = CASE WHEN EXISTS (
            SELECT 1 FROM audit_logs AS next WHERE next.chain_id = audit_heads.chain_id
            AND next.seq = audit_heads.seq + 1 AND next.prev_hash = audit_heads.hash) THEN excluded.seq END",
        "WITH written AS (
            INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp,
                chain_id, seq, prev_hash, hash, details_commit, salt)
            SELECT id, actor, action, target, status, details, timestamp,
                chain_id, seq, prev_hash, hash, details_commit, salt
            FROM json_to_recordset($1::json) AS record(id uuid, actor text, action text, target text, status text,
                details jsonb, timestamp timestamptz, chain_id text, seq bigint, prev_hash text, hash text,
                details_commit text, salt text)
            RETURNING chain_id, seq, prev_hash, hash
         )
         INSERT INTO audit_heads (chain_id, seq, hash)
         SELECT chain_id, seq, hash FROM written ORDER BY seq DESC LIMIT 1
         ON CONFLICT (chain_id) DO UPDATE SET hash = excluded.hash, seq = CASE WHEN EXISTS (
            SELECT 1 FROM written AS next WHERE next.seq = audit_heads.seq + 1 AND next.prev_hash = audit_heads.hash)
            THEN excluded.seq END",
    )
}

/// Reads the head of a chain for the writer that will continue it in this transaction.
pub(super) async fn locked_head(transaction: &mut Transaction, chain_id: &str) -> Result<Mark> {
    let text = "SELECT seq, hash FROM audit_heads WHERE chain_id = $1";
    let sql = Sql::of(text, format!("{text} FOR UPDATE"));
    let row = transaction.fetch_optional(sql, args![chain_id]).await?;
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
    let rows = store
        .fetch_all(
            "SELECT id, actor, action, target, status, details, timestamp FROM audit_logs
             WHERE ($1 IS NULL OR actor = $1) AND ($2 IS NULL OR action = $2) AND ($3 IS NULL OR target = $3)
               AND ($4 IS NULL OR id < $4)
             ORDER BY id DESC LIMIT $5",
            vec![
                query.actor.into(),
                query.action.into(),
                query.target.into(),
                Arg::Uuid(page.before),
                page.rows().into(),
            ],
        )
        .await?;
    let entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
    let (entries, next) = page.cut(entries, |entry| &entry.id);
    Ok(AuditPage { entries, next })
}

fn entry(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get("id")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        target: row.get("target")?,
        status: row.get("status")?,
        details: row.get::<serde_json::Value>("details")?.into(),
        timestamp: row.get("timestamp")?,
    })
}
