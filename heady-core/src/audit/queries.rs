//! The SQL of the audit log.

use serde_json::json;

use super::{AuditEntry, AuditPage, AuditQuery, Record};
use crate::error::Result;
use crate::store::{Arg, Call, Page, Row, Sql, Store, Transaction, args, time_text};

fn insert() -> Sql {
    Sql::of(
        "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp)
         SELECT value ->> 'id', value ->> 'actor', value ->> 'action', value ->> 'target', value ->> 'status',
                value -> 'details', value ->> 'timestamp'
         FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp)
         SELECT id, actor, action, target, status, details, timestamp FROM json_to_recordset($1::json)
         AS record(id uuid, actor text, action text, target text, status text, details jsonb, timestamp timestamptz)
         ON CONFLICT DO NOTHING",
    )
}

fn document(records: &[Record]) -> String {
    records
        .iter()
        .map(|record| {
            json!({
                "id": record.id, "actor": record.actor, "action": record.action, "target": record.target,
                "status": record.status, "details": record.details,
                "timestamp": time_text(record.timestamp),
            })
        })
        .collect::<serde_json::Value>()
        .to_string()
}

/// Appends records in the transaction of the change that they describe.
pub(crate) async fn append(transaction: &mut Transaction, records: &[Record]) -> Result<()> {
    transaction
        .execute(insert(), args![document(records)])
        .await?;
    Ok(())
}

/// Appends records in the call of a batch.
pub(crate) fn part(call: Call, records: &[Record]) -> Call {
    if records.is_empty() {
        call
    } else {
        call.with(insert(), document(records))
    }
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
