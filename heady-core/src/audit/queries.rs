//! The SQL of the audit log.

mod checkpoints;

use std::collections::HashMap;

use serde_json::{Value, json};

pub(super) use self::checkpoints::{
    CheckpointPlace, add_checkpoint, checkpoint, checkpoints_after, public_keys,
};
use super::note::Head;
use super::report::Stop;
use super::{AuditFault, FaultKind, chain};
use crate::error::{Error, Result};
use crate::store::{Arg, Mark, Row, Sql, Store, Transaction, args};
use crate::types::Id;

/// Moves the head of a chain, if it is as the writer knows it, and appends the rows that lead from there to its new place.
/// If it is not, no chain is found for the rows, which the table refuses: a writer whose knowledge of the chain is stale
/// writes nothing. The head moves before the first row is written, as [`locked_head`] locks it first: in the other order two
/// writers wait for each other. For the same reason it moves behind what else the call changes.
pub(super) fn insert() -> Sql {
    Sql::of(
        // What was changed last is the head or the row before.
        "UPDATE audit_heads SET seq = $4, hash = $5 WHERE chain_id = $1 AND seq = $2 AND hash = $3;
         INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, seq, prev_hash,
            hash, details_commit, salt, chain_id)
         VALUES ($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, CASE changes() WHEN 1 THEN $1 END)",
        "WITH head AS (
            UPDATE audit_heads SET seq = $4, hash = $5 WHERE chain_id = $1 AND seq = $2 AND hash = $3 AND {after}
            RETURNING chain_id
         )
         {last} INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, seq, prev_hash,
            hash, details_commit, salt, chain_id)
         SELECT unnest($6::uuid[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]),
            unnest($11::text[])::jsonb, unnest($12::timestamptz[]), unnest($13::bigint[]), unnest($14::bytea[]),
            unnest($15::bytea[]), unnest($16::bytea[]), unnest($17::bytea[]), (SELECT chain_id FROM head)
         WHERE {after}",
    )
}

/// The last place that a chain is continued from. Only somebody else can have written one beyond it, and places are counted.
const LAST: i64 = 1 << 62;

/// Reads the head of a chain for the writer that will continue it in this transaction. A chain that has none begins. One
/// whose head is not its last row cannot be continued, whatever somebody made of the head: then there is `None`.
pub(super) async fn locked_head(
    transaction: &mut Transaction,
    chain_id: &str,
) -> Result<Option<Mark>> {
    let text = "SELECT seq, hash FROM audit_heads WHERE chain_id = $1";
    let sql = Sql::of(text, format!("{text} FOR UPDATE"));
    let mut row = transaction
        .fetch_optional(sql.clone(), args![chain_id])
        .await?;
    if row.is_none() {
        // Where two engines begin the same chain the second waits here for the first.
        let begin = "INSERT INTO audit_heads (chain_id, seq, hash) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING";
        let genesis = chain::genesis(chain_id).to_vec();
        transaction.execute(begin, args![chain_id, genesis]).await?;
        row = transaction.fetch_optional(sql, args![chain_id]).await?;
    }
    let row = row.ok_or_else(|| Error::internal("a chain of the audit log did not begin"))?;
    let hash = row.get::<Vec<u8>>("hash").ok();
    let mark = row
        .get("seq")
        .ok()
        .zip(hash.and_then(|hash| hash.try_into().ok()));
    let mark = mark.map(|(seq, digest)| Mark { seq, digest });
    match mark {
        Some(mark) if is_last(transaction, chain_id, &mark).await? => Ok(Some(mark)),
        _ => Ok(None),
    }
}

/// Whether a chain ends there: at a row of it with none beyond, or before its first row. In a statement of its own, which sees
/// what was committed while the lock on the head was waited for.
async fn is_last(transaction: &mut Transaction, chain_id: &str, mark: &Mark) -> Result<bool> {
    let text = "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE chain_id = $1 AND seq = $2 AND hash = $3) AS is_row,
            EXISTS (SELECT 1 FROM audit_logs WHERE chain_id = $1 AND seq > $2) AS is_behind";
    let args = args![chain_id, mark.seq, mark.digest.to_vec()];
    let row = transaction.fetch_optional(text, args).await?;
    let row = row.ok_or_else(|| Error::internal("a query for one row gave none"))?;
    let begins = mark.seq == 0 && mark.digest == chain::genesis(chain_id);
    let is_row: bool = row.get("is_row")?;
    let is_behind: bool = row.get("is_behind")?;
    Ok((begins || is_row) && !is_behind && mark.seq < LAST)
}

/// Whether a row of this identifier exists.
pub(super) async fn is_stored(transaction: &mut Transaction, id: &Id) -> Result<bool> {
    let sql = "SELECT 1 AS there FROM audit_logs WHERE id = $1";
    let row = transaction.fetch_optional(sql, vec![Arg::uuid(id)]).await?;
    Ok(row.is_some())
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

    /// Just after a row of a chain, unless there can be none. One whose identifier is none of ours sorts anywhere among those
    /// that have its place, which are passed over then.
    pub(super) fn after(row: &Row) -> Result<Option<Self>> {
        let seq: i64 = row.get("seq")?;
        let id = uuid::Uuid::nil();
        Ok(match uuid_of(row) {
            Some(id) => Some(Self { seq, id }),
            None => seq.checked_add(1).map(|seq| Self { seq, id }),
        })
    }
}

/// The identifier of a row, if it is stored as we write it.
pub(super) fn uuid_of(row: &Row) -> Option<uuid::Uuid> {
    let id: Id = row.get("id").ok()?;
    id.uuid().filter(|uuid| uuid.to_string() == id.as_str())
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
    let sql = Sql::of(
        "SELECT * FROM audit_logs WHERE chain_id = $1 AND seq >= $2 AND (seq > $2 OR id > $3) AND typeof(seq) = 'integer'
         ORDER BY seq, id LIMIT $4",
        "SELECT * FROM audit_logs WHERE chain_id = $1 AND seq >= $2 AND (seq > $2 OR id > $3)
         ORDER BY seq, id LIMIT $4",
    );
    let args = vec![
        chain_id.into(),
        after.seq.into(),
        Arg::Uuid(Some(after.id)),
        limit.into(),
    ];
    store.fetch_all(sql, args).await
}

/// What holds on SQLite for names of chains that can be read, and for all that engines give: ASCII without NUL. What is no ASCII
/// may be no text either, and SQLite cannot tell; both of its functions end at a NUL or begin behind one.
const READABLE: &str = "instr(chain_id, char(0)) = 0 AND chain_id NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'";

/// Rows that no walk along chains meets, because they have no place in one, or in none that an engine would name so: somebody
/// put them there.
pub(super) async fn strays(store: &Store, offset: i64, limit: i64) -> Result<Vec<Row>> {
    let sql = Sql::of(
        // The inner query reads the index alone.
        format!(
            "SELECT * FROM audit_logs WHERE rowid IN (
                SELECT rowid FROM audit_logs
                WHERE chain_id IS NULL OR typeof(chain_id) <> 'text' OR typeof(seq) <> 'integer' OR NOT ({READABLE}))
             ORDER BY rowid LIMIT $2 OFFSET $1"
        ),
        // In two steps, lest they are looked for in the order of all identifiers.
        "WITH strays AS MATERIALIZED (SELECT * FROM audit_logs WHERE chain_id IS NULL OR seq IS NULL)
         SELECT * FROM strays ORDER BY id LIMIT $2 OFFSET $1",
    );
    store.fetch_all(sql, args![offset, limit]).await
}

/// The next chain by name that has rows, or a head that says so; the first one if it is after none.
pub(super) async fn next_chain(store: &Store, after: Option<&str>) -> Result<Option<String>> {
    let text = |readable: &str| {
        let after = after.map_or("true", |_| "chain_id > $1");
        format!(
            "SELECT min(chain_id) AS chain_id FROM (
                SELECT min(chain_id) AS chain_id FROM audit_logs WHERE {after} AND {readable}
                UNION ALL SELECT min(chain_id) FROM audit_heads WHERE {after} AND {readable} AND seq > 0) AS next"
        )
    };
    // Bytes sort behind all texts.
    let sqlite = text(&format!("chain_id < x'' AND {READABLE}"));
    let args = after.map_or_else(Vec::new, |after| args![after]);
    let row = store
        .fetch_optional(Sql::of(sqlite, text("true")), args)
        .await?;
    row.map_or(Ok(None), |row| row.get("chain_id"))
}

fn read_head(row: &Row) -> Result<Head, AuditFault> {
    let name: Option<String> = row.get("chain_id").ok();
    let fault = |what: &str| AuditFault {
        kind: FaultKind::Head,
        chain_id: name.clone(),
        seq: row.get("seq").ok(),
        id: None,
        message: match &name {
            Some(name) => format!("the head of chain '{}' {what}", name.escape_debug()),
            None => format!("the head of a chain whose name is no text {what}"),
        },
    };
    let hash = row.get::<Vec<u8>>("hash").unwrap_or_default();
    let head = Head {
        chain_id: name.clone().unwrap_or_default(),
        seq: row.get("seq").map_err(|_| fault("has no row's number"))?,
        hash: hash.try_into().map_err(|_| fault("has no SHA-256"))?,
    };
    if chain::is_name(&head.chain_id) {
        Ok(head)
    } else {
        Err(fault("is none that an engine wrote: none has such a name"))
    }
}

/// The heads of all chains that have rows, at one moment, if each is a row: what is signed must be found again.
pub(super) async fn signable_heads(store: &Store) -> Result<Vec<Head>, Stop> {
    let sql = "SELECT chain_id, seq, hash, EXISTS (SELECT 1 FROM audit_logs AS log WHERE log.chain_id = head.chain_id
             AND log.seq = head.seq AND log.hash = head.hash) AS is_row
        FROM audit_heads AS head WHERE seq > 0 ORDER BY chain_id";
    let rows = store.fetch_all(sql, vec![]).await?;
    let mut heads = Vec::with_capacity(rows.len());
    for row in &rows {
        let head = read_head(row)?;
        if !row.get::<bool>("is_row")? {
            let Head { chain_id, seq, .. } = &head;
            return Err(Error::data_loss(format!(
                "the head of chain '{chain_id}' is no row of it: there is none at {seq} with its hash"
            ))
            .into());
        }
        heads.push(head);
    }
    Ok(heads)
}

pub(super) async fn head(store: &Store, chain_id: &str) -> Result<Option<Head>, Stop> {
    let sql = "SELECT chain_id, seq, hash FROM audit_heads WHERE chain_id = $1";
    let row = store.fetch_optional(sql, args![chain_id]).await?;
    Ok(row.as_ref().map(read_head).transpose()?)
}

/// The heads of all chains that have rows, at one moment.
pub(super) async fn heads(store: &Store) -> Result<Vec<Head>, Stop> {
    let sql = "SELECT chain_id, seq, hash FROM audit_heads WHERE seq > 0 ORDER BY chain_id";
    let rows = store.fetch_all(sql, vec![]).await?;
    Ok(rows.iter().map(read_head).collect::<Result<_, _>>()?)
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
) -> Result<HashMap<(String, i64), Vec<u8>>> {
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
        .map(|row| {
            let hash = row.get("hash").unwrap_or_default();
            Ok(((row.get("chain_id")?, row.get("seq")?), hash))
        })
        .collect()
}
