//! Verifying an export without its database: what an auditor does.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Read};

use super::export::{Line, UnreadableLine};
use super::key::PublicKey;
use super::note::{self, Head};
use super::report::Stop;
use super::row::LogRow;
use super::verify::{check_given, named, not_written, read_note};
use super::walk::{Ends, Walk, check_name, not_signed, truncated};
use super::{AuditFault, AuditReport, FaultKind, KeySource, VerifyAudit};
use crate::error::{Error, Result};
use crate::types::Id;

/// The longest line, in bytes: more than any row has, and less than a machine's memory.
const LONGEST: u64 = 64 << 20;

/// Signed heads whose rows were not read yet, each with the checkpoint that names it.
type Wanted = BTreeMap<(String, i64), Vec<(Head, String)>>;

/// Verifies an export that is read line by line. Only what its checkpoints name is kept in memory.
///
/// # Errors
/// `INVALID_ARGUMENT` for a line that is none of an export, and for a key that is none.
pub fn verify_export(mut export: impl BufRead, with: VerifyAudit) -> Result<AuditReport> {
    with.public_keys.as_deref().map_or(Ok(()), check_given)?;
    let given = with.public_keys.unwrap_or_default();
    let keys_from = if given.is_empty() {
        KeySource::Database
    } else {
        KeySource::Given
    };
    let mut reading = Reading {
        keys: given
            .iter()
            .map(|text| PublicKey::read(text))
            .collect::<Result<_>>()?,
        believes: keys_from == KeySource::Database,
        kept: note::kept(with.checkpoints.as_deref())?,
        met: HashSet::new(),
        wanted: Wanted::new(),
        ends: Ends::default(),
        walk: None,
        report: AuditReport::new(&[], keys_from),
    };
    let mut lines = Lines::of(&mut export);
    let outcome = loop {
        let Some(line) = lines.next()? else {
            break reading.end();
        };
        if let Err(fault) = reading.line(line) {
            break Err(lines.look_for_missing(fault));
        }
    };
    // Where rows are known to have been signed, that nothing is left of them is a fault.
    if lines.number == 0 && outcome.is_ok() {
        return Err(Error::invalid_argument(
            "this is no exported log: nothing stands there",
        ));
    }
    reading.leave_chain();
    let mut report = reading.report;
    report.public_keys = reading.keys.iter().map(PublicKey::text).collect();
    report.end(&reading.ends, outcome.map_err(Stop::Fault))
}

/// The lines of an export, of which one at a time is in memory.
struct Lines<E> {
    export: E,
    text: String,
    /// How many were read.
    number: usize,
}

impl<E: BufRead> Lines<E> {
    fn of(export: E) -> Self {
        Self {
            export,
            text: String::new(),
            number: 0,
        }
    }

    fn next(&mut self) -> Result<Option<Line>> {
        self.text.clear();
        let number = self.number + 1;
        let mut line = (&mut self.export).take(LONGEST);
        let read = line.read_line(&mut self.text).map_err(|error| {
            Error::invalid_argument(format!("line {number} cannot be read: {error}"))
                .caused_by(error)
        })?;
        if read == 0 {
            return Ok(None);
        }
        self.number = number;
        serde_json::from_str(&self.text).map(Some).map_err(|error| {
            let message = format!("line {number} is none of an exported audit log");
            Error::invalid_argument(message).caused_by(error)
        })
    }

    /// The fault by its right name if a row that is missed at its place stands further down.
    fn look_for_missing(&mut self, mut fault: AuditFault) -> AuditFault {
        if fault.kind != FaultKind::Gap {
            return fault;
        }
        // A line that is no row is no news: there is a fault already.
        while let Ok(Some(line)) = self.next() {
            let Line::Row(row) = line else { continue };
            if Some(&row.chain_id) == fault.chain_id.as_ref() && Some(row.seq) == fault.seq {
                fault.kind = FaultKind::Reorder;
                fault.message = format!(
                    "row {} stands in line {}, behind later ones: lines were exchanged",
                    row.seq, self.number
                );
                fault.id = Some(row.id.clone());
                break;
            }
        }
        fault
    }
}

struct Reading {
    keys: Vec<PublicKey>,
    /// Whether the keys that the export names are trusted.
    believes: bool,
    /// Checkpoints from elsewhere, until the first row: their keys may stand in the export's own.
    kept: Vec<String>,
    /// The export's own checkpoints, as long as some were kept: both may have the same.
    met: HashSet<String>,
    wanted: Wanted,
    /// The chains that were read, and what is signed.
    ends: Ends,
    walk: Option<Walk>,
    report: AuditReport,
}

impl Reading {
    fn line(&mut self, line: Line) -> Result<(), AuditFault> {
        match line {
            Line::Checkpoint(line) => {
                if self.believes
                    && let Ok(key) = PublicKey::read(&line.public_key)
                    && !self.keys.contains(&key)
                {
                    self.keys.push(key);
                }
                if !self.kept.is_empty() {
                    self.met.insert(note::trimmed(&line.checkpoint).to_owned());
                }
                self.want(&line.checkpoint)
            }
            Line::Row(row) => {
                self.want_kept()?;
                self.row(&row)
            }
            Line::Unreadable(line) => {
                self.want_kept()?;
                Err(unreadable(&line))
            }
        }
    }

    fn row(&mut self, row: &LogRow) -> Result<(), AuditFault> {
        let stays = self.walk.as_ref();
        if stays.is_none_or(|walk| walk.last.chain_id != row.chain_id) {
            self.leave_chain();
            check_name(&row.chain_id)?;
            if self.ends.rows.contains_key(&row.chain_id) {
                let message = "the row stands apart from the others of its chain";
                return Err(row.fault(FaultKind::Reorder, message));
            }
        }
        let walk = self.walk.get_or_insert_with(|| Walk::of(&row.chain_id));
        walk.step(row.seq, row)?;
        let wanted = self.wanted.remove(&(row.chain_id.clone(), row.seq));
        for (head, checkpoint) in wanted.unwrap_or_default() {
            if row.hash.0 != head.hash {
                return Err(not_signed(&head, &checkpoint));
            }
        }
        Ok(())
    }

    fn leave_chain(&mut self) {
        if let Some(walk) = self.walk.take() {
            self.report.add(&walk);
            self.ends.rows.insert(walk.last.chain_id, walk.last.seq);
        }
    }

    fn want_kept(&mut self) -> Result<(), AuditFault> {
        let met = std::mem::take(&mut self.met);
        std::mem::take(&mut self.kept)
            .iter()
            .filter(|text| !met.contains(note::trimmed(text)))
            .try_for_each(|text| self.want(text))
    }

    /// At the end of the export every signed head must have been met.
    fn end(&mut self) -> Result<(), AuditFault> {
        self.want_kept()?;
        self.leave_chain();
        match self.wanted.first_key_value() {
            Some(((chain_id, seq), wanted)) => {
                let have = self.ends.rows.get(chain_id).copied().unwrap_or_default();
                let who = wanted.first().map_or("a checkpoint", |(_, named)| named);
                Err(truncated(chain_id, have, *seq, who))
            }
            None => self.report.check_signed(false),
        }
    }

    fn want(&mut self, text: &str) -> Result<(), AuditFault> {
        let note = read_note(text, &self.keys)?;
        self.report.checkpoints += 1;
        let named = named(&note);
        for head in note.heads {
            self.ends.sign(&head);
            let place = (head.chain_id.clone(), head.seq);
            let known = self.wanted.entry(place).or_default();
            if known.iter().all(|(other, _)| *other != head) {
                known.push((head, named.clone()));
            }
        }
        Ok(())
    }
}

/// The fault of a row that could not be read when the export was made.
fn unreadable(line: &UnreadableLine) -> AuditFault {
    let text = |name| line.row.get(name)?.as_str();
    AuditFault {
        kind: FaultKind::Hash,
        chain_id: text("chainId").map(str::to_owned),
        seq: line.row.get("seq").and_then(serde_json::Value::as_i64),
        id: text("id").map(Id::from),
        message: not_written(&line.unreadable),
    }
}
