//! The audit log's suite, the same on both databases.

mod chain;
mod emptied;
mod heads;
mod junk;
mod listing;
mod places;
mod signing;
mod tampering;
mod texts;

use serde_json::json;

use super::*;
use crate::error::Result as EngineResult;
use crate::store::testing::{Fresh, on_both_databases};
use crate::store::{Batch, Lane, Row, Sql};

/// Runs statements in one transaction.
async fn execute(store: &Store, texts: Vec<Sql>) {
    store
        .write(|transaction| {
            Box::pin(async move {
                for text in texts {
                    transaction.execute(text, vec![]).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// Rows alone, through the group writer; a target `bad` is refused by the database.
#[derive(Default)]
pub(super) struct Appended;

impl Batch for Appended {
    type Op = Vec<Record>;
    type Outcome = ();

    fn call(ops: &[Vec<Record>]) -> EngineResult<Call> {
        let call = part(Call::default(), ops.concat());
        if ops.iter().flatten().any(|record| record.target == "bad") {
            let refused = "INSERT INTO services (id, name, base_url) SELECT 'bad', 'bad', NULL WHERE $1 <> ''";
            return Ok(call.with(refused, "bad".to_owned()));
        }
        Ok(call)
    }

    fn outcomes(ops: &[Vec<Record>], _: &[Row]) -> EngineResult<Vec<()>> {
        Ok(vec![(); ops.len()])
    }

    fn weight(op: &Vec<Record>) -> usize {
        500 * op.len()
    }
}

pub(super) fn record(target: &str) -> Record {
    Record::new("tester", "CONFIG_CHANGE", target, "SUCCEEDED").with(
        json!({"why": "Ünïcødé \u{1F680}", "n": [1, 2.5, 1e300, -0.0, 9_007_199_254_740_993_i64]}),
    )
}

/// Appends rows one by one.
pub(super) async fn append_alone(store: &Store, count: usize) {
    for n in 0..count {
        let record = record(&format!("service:{n}"));
        store
            .write(move |transaction| Box::pin(async move { append(transaction, &[record]).await }))
            .await
            .unwrap();
    }
}
