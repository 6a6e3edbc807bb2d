//! The SQL of the audit log.

mod checkpoints;
mod rows;

pub(super) use self::checkpoints::{
    CheckpointPlace, add_checkpoint, checkpoint, checkpoints_after, public_keys,
};
use self::rows::front;
pub(super) use self::rows::{
    Cursor, hashes_at, last_seq, next_chain, rows_after, seq_of, strays, uuid_of,
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
        concat!(
            "UPDATE audit_heads SET seq = $4, hash = $5 WHERE chain_id = $1 AND seq = $2 AND hash = $3;
             INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, seq, prev_hash,
                hash, details_commit, salt, chain_id, place)
             VALUES ($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, CASE changes() WHEN 1 THEN $1 END, ",
            front!(),
            " + $13)"
        ),
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

/// The last number that a chain is continued from. Only somebody else can have written one beyond it, and there is an end to
/// numbers.
const LAST: i64 = 1 << 39;

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
    let sql = Sql::of(
        concat!(
            "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE place = ",
            front!(),
            " + $2 AND chain_id = $1 AND seq = $2 AND hash = $3) AS is_row,
                EXISTS (SELECT 1 FROM audit_logs WHERE place > ",
            front!(),
            " + $2 AND place < ",
            front!(),
            " + (1 << 40)) AS is_behind"
        ),
        "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE chain_id = $1 AND seq = $2 AND hash = $3) AS is_row,
            EXISTS (SELECT 1 FROM audit_logs WHERE chain_id = $1 AND seq > $2) AS is_behind",
    );
    let args = args![chain_id, mark.seq, mark.digest.to_vec()];
    let row = transaction.fetch_optional(sql, args).await?;
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
    let heads = heads(store).await?;
    let found = hashes_at(store, &heads.iter().collect::<Vec<_>>()).await?;
    for Head {
        chain_id,
        seq,
        hash,
    } in &heads
    {
        let is_row = found.get(&(chain_id.clone(), *seq));
        if is_row.is_none_or(|found| found != hash) {
            return Err(Error::data_loss(format!(
                "the head of chain '{chain_id}' is no row of it: there is none at {seq} with its hash"
            ))
            .into());
        }
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
