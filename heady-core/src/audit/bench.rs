//! The log by itself, for the benches: rows appended as every domain appends them, and the same rows unchained.

use serde_json::json;

use super::queries::{self, Cursor};
use super::row::LogRow;
use super::verify::PAGE;
use super::{Audit, Record, VerifyAudit, part};
use crate::error::{Error, Result};
use crate::store::{Arg, Batch, Call, Durability, Each, Lane, Row, Sql, Store};

/// A log to measure.
#[derive(Clone)]
pub struct Bench {
    store: Store,
    audit: Audit,
    chained: Lane<Chained>,
    unchained: Lane<Unchained>,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// Opens a database that has a table for the same rows without a chain, too.
    pub async fn open(url: &str) -> Result<Self> {
        let store = Store::connect(url, Durability::Full).await?;
        store
            .write(|transaction| {
                Box::pin(async move {
                    let table = Sql::of(UNCHAINED_TABLE.0, UNCHAINED_TABLE.1);
                    transaction.execute(table, vec![]).await.map(drop)
                })
            })
            .await?;
        Ok(Self {
            audit: Audit::new(store.clone()),
            chained: Lane::new(store.clone()),
            unchained: Lane::new(store.clone()),
            store,
        })
    }

    /// Signs checkpoints from now on, as a started engine does.
    pub fn start_signing(&self) {
        self.audit.start();
    }

    /// Appends rows that belong to one change.
    pub async fn append(&self, rows: usize) -> Result<()> {
        self.chained.submit(rows).await
    }

    /// Appends the same rows to the table without a chain.
    pub async fn append_unchained(&self, rows: usize) -> Result<()> {
        self.unchained.submit(rows).await
    }

    /// Reads every row in the pages in which they are verified, and returns how many there are.
    pub async fn read(&self) -> Result<u64> {
        let (mut count, mut after) = (0, None);
        while let Some(chain_id) = queries::next_chain(&self.store, after.as_deref()).await? {
            let mut cursor = Cursor::start();
            let mut page = queries::rows_after(&self.store, &chain_id, &cursor, PAGE).await?;
            while let Some(last) = page.last() {
                cursor = Cursor::after(last)?;
                let (next, read) = tokio::join!(
                    queries::rows_after(&self.store, &chain_id, &cursor, PAGE),
                    async { page.iter().try_for_each(|row| LogRow::of(row).map(drop)) }
                );
                read?;
                count += page.len() as u64;
                page = next?;
            }
            after = Some(chain_id);
        }
        Ok(count)
    }

    /// Verifies every row, and returns how many there are.
    pub async fn verify(&self) -> Result<u64> {
        let report = self.audit.verify(VerifyAudit::default()).await?;
        match report.first_fault {
            None => Ok(report.rows as u64),
            Some(fault) => Err(Error::internal(fault.message)),
        }
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.audit.close().await;
        self.store.close().await;
    }
}

/// What so many rows of each operation say. As in every domain they are made up with the call.
fn records(ops: &[usize]) -> Vec<Record> {
    let record = |n: usize| {
        Record::new(
            "key:deployer",
            "CONFIG_CHANGE",
            format!("service:{n}"),
            "SUCCEEDED",
        )
        .with(json!({"change": "UPDATE", "resourceVersion": n}))
    };
    ops.iter().flat_map(|rows| 0..*rows).map(record).collect()
}

/// Rows as every domain appends them.
#[derive(Default)]
struct Chained;

impl Batch for Chained {
    type Op = usize;
    type Outcome = ();

    fn call(ops: &[usize]) -> Result<Call> {
        Ok(part(Call::default(), records(ops)))
    }

    fn outcomes(ops: &[usize], _: &[Row]) -> Result<Vec<()>> {
        Ok(vec![(); ops.len()])
    }

    fn weight(rows: &usize) -> usize {
        500 * rows
    }
}

/// The same rows in the blueprint's table, in the same batches.
#[derive(Default)]
struct Unchained;

/// The columns that the log would have without its chain.
const UNCHAINED_TABLE: (&str, &str) = (
    "CREATE TABLE IF NOT EXISTS audit_unchained (id TEXT PRIMARY KEY, actor TEXT NOT NULL, action TEXT NOT NULL,
        target TEXT NOT NULL, status TEXT NOT NULL, details TEXT NOT NULL, timestamp TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS audit_unchained (id UUID PRIMARY KEY, actor TEXT NOT NULL, action TEXT NOT NULL,
        target TEXT NOT NULL, status TEXT NOT NULL, details JSONB NOT NULL, timestamp TIMESTAMPTZ NOT NULL)",
);

impl Batch for Unchained {
    type Op = usize;
    type Outcome = ();

    fn call(ops: &[usize]) -> Result<Call> {
        let records = records(ops);
        let texts = |text: fn(&Record) -> &str| {
            let texts = records.iter().map(|record| text(record).to_owned());
            Arg::Each(Each::Texts(texts.collect()))
        };
        let details = records
            .iter()
            .map(|record| serde_json::to_string(&record.details));
        let args = vec![
            Arg::Each(Each::Uuids(
                records
                    .iter()
                    .filter_map(|record| record.id.uuid())
                    .collect(),
            )),
            texts(|record| &record.actor),
            texts(|record| record.action),
            texts(|record| &record.target),
            texts(|record| &record.status),
            Arg::Each(Each::Documents(details.collect::<Result<_, _>>()?)),
            Arg::Each(Each::Times(
                records.iter().map(|record| record.timestamp).collect(),
            )),
        ];
        let sql = Sql::of(
            "INSERT INTO audit_unchained (id, actor, action, target, status, details, timestamp)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            "INSERT INTO audit_unchained (id, actor, action, target, status, details, timestamp)
             SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
                unnest($6::text[])::jsonb, unnest($7::timestamptz[])",
        );
        Ok(Call::default().with(sql, args))
    }

    fn outcomes(ops: &[usize], _: &[Row]) -> Result<Vec<()>> {
        Ok(vec![(); ops.len()])
    }

    fn weight(rows: &usize) -> usize {
        500 * rows
    }
}
