//! Pages of entries and of checkpoints, newest first.

use std::ops::RangeInclusive;

use serde_json::json;

use super::queries::{self, uuid_of};
use super::row::LogRow;
use super::{AuditEntry, AuditPage, AuditQuery, CheckpointPage, CheckpointQuery};
use crate::error::{Error, Result};
use crate::store::{Arg, Page, Row, Store};
use crate::types::{Id, Timestamp, hex};

pub(super) async fn entries(store: &Store, query: AuditQuery) -> Result<AuditPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    // Only what is asked for stands in the statement, so that an index can serve it. An identifier begins with the row's
    // own millisecond, so those of other times need not be looked at.
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
    if let Some(since) = query.since.map(within_years) {
        only("timestamp >=", since.into());
        only("id >=", Arg::Uuid(Some(first_id(since.timestamp_millis()))));
    }
    if let Some(until) = query.until.map(within_years) {
        only("timestamp <", until.into());
        let after = until.timestamp_millis().saturating_add(1);
        only("id <", Arg::Uuid(Some(first_id(after))));
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
    let (entries, next) = cut(page, &rows, "entry", entry)?;
    Ok(AuditPage { entries, next })
}

/// The years from 0 to 9999, in microseconds: their texts sort as they do, and an identifier has room for their milliseconds.
const YEARS: RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// The time, or the one nearest to it that both databases can compare with others. Beyond those there are no entries.
fn within_years(time: Timestamp) -> Timestamp {
    let micros = time.timestamp_micros();
    let within = micros.clamp(*YEARS.start(), *YEARS.end());
    Timestamp::from_timestamp_micros(within).unwrap_or(time)
}

/// The least identifier of a millisecond.
fn first_id(milliseconds: i64) -> uuid::Uuid {
    let milliseconds = u64::try_from(milliseconds).unwrap_or_default();
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
        hash: hex(&row.hash.0),
        call_id: row.call_id,
        policy_version: row.policy_version,
    })
}

pub(super) async fn checkpoints(store: &Store, query: CheckpointQuery) -> Result<CheckpointPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    let mut args = vec![page.rows().into()];
    args.extend(page.before.map(|before| Arg::Uuid(Some(before))));
    let bound = page.before.map_or("true", |_| "id < $2");
    let sql = format!("SELECT * FROM audit_checkpoints WHERE {bound} ORDER BY id DESC LIMIT $1");
    let rows = store.fetch_all(sql, args).await?;
    let (checkpoints, next) = cut(page, &rows, "checkpoint", queries::checkpoint)?;
    Ok(CheckpointPage { checkpoints, next })
}

/// Reads a page of rows, and names the next one. A row that cannot be read ends the page before it, so that no other is
/// withheld with it; where it comes first the error names it and how to go on.
fn cut<T>(
    page: Page,
    rows: &[Row],
    what: &str,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<(Vec<T>, Option<String>)> {
    let mut items: Vec<(Id, T)> = Vec::with_capacity(rows.len());
    let mut ended = false;
    for (place, row) in rows.iter().enumerate() {
        match own_id(row).and_then(|id| Ok((id, read(row)?))) {
            Ok(item) => items.push(item),
            Err(error) if place == 0 => return Err(unreadable(what, rows, &error)),
            Err(_) => {
                ended = true;
                break;
            }
        }
    }
    let last = items.last().map(|(id, _)| id.to_string());
    let (items, next) = page.cut(items, |(id, _)| id);
    let items = items.into_iter().map(|(_, item)| item).collect();
    Ok((items, next.or(last.filter(|_| ended))))
}

/// The identifier that a page can end with.
fn own_id(row: &Row) -> Result<Id> {
    let id = uuid_of(row).ok_or_else(|| Error::data_loss("the identifier is none of ours"))?;
    Ok(id.to_string().into())
}

/// The error that names the first of these rows, and the cursor behind it.
fn unreadable(what: &str, rows: &[Row], error: &Error) -> Error {
    let own = rows.first().and_then(uuid_of);
    // Where its identifier is none, the rows behind it begin before the next identifier but one.
    let next = rows.iter().find_map(uuid_of).map(|id| match own {
        Some(own) => own,
        None => uuid::Uuid::from_u128(id.as_u128().saturating_add(1)),
    });
    let id: Option<Id> = rows.first().and_then(|row| row.get("id").ok());
    let name = id.map_or_else(String::new, |id| format!(" '{id}'"));
    let message = format!("the {what}{name} cannot be read: {}", error.message());
    match next {
        Some(next) => Error::data_loss(format!("{message}; the cursor {next} goes on behind it"))
            .with_details(json!({ "next": next.to_string() })),
        None => Error::data_loss(message),
    }
}
