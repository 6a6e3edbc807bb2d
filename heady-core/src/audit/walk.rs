//! Walking along chains, row by row, in constant memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::chain::{Digest, genesis, is_name};
use super::note::Head;
use super::row::LogRow;
use super::{AuditFault, FaultKind};
use crate::types::Timestamp;

/// How far the walk along one chain has come, and what was seen on the way.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) last: Head,
    pub(super) rows: i64,
    pub(super) erased: i64,
    /// When the first row was written.
    pub(super) began: Option<Timestamp>,
}

impl Walk {
    /// Before the first row.
    pub(super) fn of(chain_id: &str) -> Self {
        let hash = genesis(chain_id);
        Self {
            last: Head {
                chain_id: chain_id.to_owned(),
                seq: 0,
                hash,
            },
            rows: 0,
            erased: 0,
            began: None,
        }
    }

    /// Takes the next row, which must be whole and continue the last one. It stands at this number of the chain, and must
    /// say so.
    pub(super) fn step(&mut self, stands_at: i64, row: &LogRow) -> Result<(), AuditFault> {
        let chain_id = &self.last.chain_id;
        if row.chain_id != *chain_id {
            return Err(row.fault(
                FaultKind::Hash,
                format!(
                    "the row was added or changed: it stands at place {stands_at} of chain '{chain_id}', of which it is none"
                ),
            ));
        }
        let next = self.last.seq + 1;
        match stands_at.cmp(&next) {
            Ordering::Equal if row.seq == next => {}
            Ordering::Equal => {
                return Err(AuditFault {
                    seq: Some(next),
                    ..row.fault(
                        FaultKind::Reorder,
                        format!("in this place of the chain stands row {}", row.seq),
                    )
                });
            }
            Ordering::Greater => {
                return Err(AuditFault {
                    kind: FaultKind::Gap,
                    chain_id: Some(row.chain_id.clone()),
                    seq: Some(next),
                    id: None,
                    message: format!("rows {next} to {} are missing", stands_at - 1),
                });
            }
            Ordering::Less => {
                let message = "this place of the chain is another row's";
                return Err(row.fault(FaultKind::Reorder, message));
            }
        }
        let hash: Digest = row.checked_hash()?;
        if row.prev_hash.0 != self.last.hash {
            let message = "the row continues another one than the one before it: rows were exchanged, or one was replaced";
            return Err(row.fault(FaultKind::Reorder, message));
        }
        self.began.get_or_insert(row.timestamp);
        self.last.seq = next;
        self.last.hash = hash;
        self.rows += 1;
        self.erased += i64::from(row.is_erased());
        Ok(())
    }
}

/// Where chains end, and up to where checkpoints have signed them.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) rows: BTreeMap<String, i64>,
    signed: BTreeMap<String, i64>,
}

impl Ends {
    pub(super) fn sign(&mut self, head: &Head) {
        let signed = self.signed.entry(head.chain_id.clone()).or_default();
        *signed = head.seq.max(*signed);
    }

    /// How many rows are not signed.
    pub(super) fn unsigned(&self) -> i64 {
        let beyond = |(chain_id, seq): (&String, &i64)| {
            let signed = self.signed.get(chain_id).copied().unwrap_or_default();
            (seq - signed).max(0)
        };
        self.rows.iter().map(beyond).sum()
    }
}

/// Refuses a chain whose name no engine gives: nobody could sign it.
pub(super) fn check_name(chain_id: &str) -> Result<(), AuditFault> {
    if is_name(chain_id) {
        return Ok(());
    }
    Err(AuditFault {
        kind: FaultKind::Head,
        chain_id: Some(chain_id.to_owned()),
        seq: Some(1),
        id: None,
        message: format!(
            "the chain was added: no engine names one '{}'",
            chain_id.escape_debug()
        ),
    })
}

/// Rows that a record of the chain's end has and the table has not.
pub(super) fn truncated(chain_id: &str, have: i64, had: i64, who: &str) -> AuditFault {
    AuditFault {
        kind: FaultKind::Truncated,
        chain_id: Some(chain_id.to_owned()),
        seq: Some(have.saturating_add(1)),
        id: None,
        message: format!("the chain ends at row {have}, but {who} knows row {had}"),
    }
}

/// A row that is not the one that was signed.
pub(super) fn not_signed(head: &Head, checkpoint: &str) -> AuditFault {
    AuditFault {
        kind: FaultKind::Checkpoint,
        chain_id: Some(head.chain_id.clone()),
        seq: Some(head.seq),
        id: None,
        message: format!(
            "the chain up to here is not the one that {checkpoint} was signed for: it was written anew"
        ),
    }
}
