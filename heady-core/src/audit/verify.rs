//! Verifying: everything is computed again, from the rows.

use std::collections::HashSet;

use super::key::{KeyRing, PublicKey};
use super::note::{self, Head, Note};
use super::queries::{self, Cursor};
use super::row::LogRow;
use super::walk::{Ends, Walk, not_signed, truncated};
use super::{AuditFault, AuditReport, FaultKind, KeySource, VerifyAudit};
use crate::error::{Error, Result};
use crate::store::{Row, Store, time_text};

/// How many rows are read at once.
pub(super) const PAGE: i64 = 1000;

/// Why verifying stopped: a fault of the log, or an error of this attempt to look at it.
pub(super) enum Stop {
    Fault(AuditFault),
    Error(Error),
}

impl From<AuditFault> for Stop {
    fn from(fault: AuditFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl AuditReport {
    pub(super) fn new(keys: &[PublicKey], keys_from: KeySource) -> Self {
        Self {
            ok: true,
            rows: 0,
            erased: 0,
            chains: 0,
            checkpoints: 0,
            unsigned: 0,
            public_keys: keys.iter().map(PublicKey::text).collect(),
            keys_from,
            first_fault: None,
        }
    }

    pub(super) fn add(&mut self, walk: &Walk) {
        self.rows += walk.rows;
        self.erased += walk.erased;
        self.chains += 1;
    }

    /// Checks that something was signed at all where somebody could sign. The engine's own key may be there before the
    /// first row is.
    pub(super) fn check_signed(&self) -> Result<(), AuditFault> {
        let signs = match self.keys_from {
            KeySource::Given => true,
            KeySource::Engine => self.rows > 0,
            KeySource::Database => false,
        };
        if self.checkpoints > 0 || !signs {
            return Ok(());
        }
        Err(AuditFault {
            kind: FaultKind::Unsigned,
            chain_id: None,
            seq: None,
            id: None,
            message: "no checkpoint signs any row: none was made since the log began, which takes an engine a second, or \
                they were removed, and with them rows perhaps"
                .to_owned(),
        })
    }

    pub(super) fn end(mut self, ends: &Ends, outcome: Result<(), Stop>) -> Result<Self> {
        self.unsigned = ends.unsigned();
        match outcome {
            Ok(()) => {}
            Err(Stop::Fault(fault)) => {
                self.ok = false;
                self.first_fault = Some(fault);
            }
            Err(Stop::Error(error)) => return Err(error),
        }
        Ok(self)
    }
}

/// Verifies the log in a database.
pub(super) async fn stored(
    store: &Store,
    ring: &KeyRing,
    with: VerifyAudit,
) -> Result<AuditReport> {
    let (keys, keys_from) = keys(store, ring, with.public_keys.as_deref()).await?;
    let mut report = AuditReport::new(&keys, keys_from);
    let notes = note::kept(with.checkpoints.as_deref())?;
    let mut ends = Ends::default();
    let outcome = async {
        let mut chain_id = String::new();
        while let Some(next) = queries::next_chain(store, &chain_id).await? {
            let mut walk = Walk::of(&next);
            let outcome = walk_chain(store, &mut walk).await;
            report.add(&walk);
            outcome?;
            ends.rows.insert(next.clone(), walk.last.seq);
            chain_id = next;
        }
        let mut known = HashSet::new();
        let mut after = None;
        loop {
            let page = queries::checkpoints_after(store, after.as_ref(), 200).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            let notes: Vec<_> = page
                .iter()
                .map(|checkpoint| checkpoint.note.clone())
                .collect();
            check_notes(store, &notes, &keys, &mut known, &mut ends).await?;
            report.checkpoints += notes.len() as i64;
        }
        for notes in notes.chunks(200) {
            check_notes(store, notes, &keys, &mut known, &mut ends).await?;
            report.checkpoints += notes.len() as i64;
        }
        Ok(report.check_signed()?)
    }
    .await;
    report.end(&ends, outcome)
}

/// The keys to trust: those that were given, else the engine's own, else what the database says.
async fn keys(
    store: &Store,
    ring: &KeyRing,
    given: Option<&[String]>,
) -> Result<(Vec<PublicKey>, KeySource)> {
    let read = |texts: &[String]| texts.iter().map(|text| PublicKey::read(text)).collect();
    if let Some(given) = given {
        check_given(given)?;
        return Ok((read(given)?, KeySource::Given));
    }
    if let Some(key) = ring.public().await? {
        return Ok((vec![key], KeySource::Engine));
    }
    let stored: Result<_> = read(&queries::public_keys(store).await?);
    Ok((stored?, KeySource::Database))
}

/// Refuses a list of keys in which there is none: whoever gave it does not mean those that are trusted without one.
pub(super) fn check_given(keys: &[String]) -> Result<()> {
    if keys.is_empty() {
        return Err(Error::invalid_argument(
            "publicKeys: is empty; leave it out to trust the engine's own key",
        ));
    }
    Ok(())
}

async fn walk_chain(store: &Store, walk: &mut Walk) -> Result<(), Stop> {
    let chain_id = walk.last.chain_id.clone();
    let mut cursor = Cursor::start();
    let mut ended_at = None;
    loop {
        let mut page = queries::rows_after(store, &chain_id, &cursor, PAGE).await?;
        while let Some(last) = page.last() {
            cursor = Cursor::at(last)?;
            // The next page is fetched while this one is verified.
            let (next, verified) = tokio::join!(
                queries::rows_after(store, &chain_id, &cursor, PAGE),
                async { page.iter().try_for_each(|row| walk.step(&read(row)?)) }
            );
            verified?;
            page = next?;
        }
        let Some(head) = queries::head(store, &chain_id).await? else {
            return Err(head_fault(&chain_id, 1, "the chain has no head").into());
        };
        let last = &walk.last;
        if head.seq < last.seq {
            let message = format!("row {} stands after the chain's end", head.seq + 1);
            return Err(head_fault(&chain_id, head.seq + 1, &message).into());
        }
        if head.seq == last.seq {
            if head.hash == last.hash {
                return Ok(());
            }
            let message = "the chain's head has another hash than its last row";
            return Err(head_fault(&chain_id, last.seq, message).into());
        }
        // Rows were appended meanwhile; unless none are found where the head says that they are.
        if ended_at == Some(last.seq) {
            return Err(truncated(&chain_id, last.seq, head.seq, "the chain's head").into());
        }
        ended_at = Some(last.seq);
    }
}

fn head_fault(chain_id: &str, seq: i64, message: &str) -> AuditFault {
    AuditFault {
        kind: FaultKind::Head,
        chain_id: Some(chain_id.to_owned()),
        seq: Some(seq),
        id: None,
        message: message.to_owned(),
    }
}

/// Reads a row; one that cannot be read was changed.
fn read(row: &Row) -> Result<LogRow, AuditFault> {
    LogRow::of(row).map_err(|error| AuditFault {
        kind: FaultKind::Hash,
        chain_id: row.get("chain_id").ok(),
        seq: row.get("seq").ok(),
        id: row.get("id").ok(),
        message: format!(
            "the row is not the one that was written: {}",
            error.message()
        ),
    })
}

/// Reads a note that one of the keys has signed.
pub(super) fn read_note(text: &str, keys: &[PublicKey]) -> Result<Note, AuditFault> {
    let fault = |message: &str| {
        let first = text.lines().find(|line| line.starts_with("time "));
        let which = first.map_or_else(String::new, |line| format!(" of {}", &line[5..]));
        AuditFault {
            kind: FaultKind::CheckpointSignature,
            chain_id: None,
            seq: None,
            id: None,
            message: format!("the checkpoint{which} {message}"),
        }
    };
    let note = Note::read(text).ok_or_else(|| fault("is not in the form of a checkpoint"))?;
    if note.is_signed_by(keys) {
        Ok(note)
    } else {
        let name = note.name();
        Err(fault(&format!(
            "is not signed by a key that is trusted here, but in the name of {name}"
        )))
    }
}

/// Checks that every head of signed notes is a row; those in `known` were looked up for the notes before.
async fn check_notes(
    store: &Store,
    notes: &[String],
    keys: &[PublicKey],
    known: &mut HashSet<Head>,
    ends: &mut Ends,
) -> Result<(), Stop> {
    let mut wanted = Vec::new();
    for text in notes {
        let note = read_note(text, keys)?;
        let named = named(&note);
        for head in &note.heads {
            ends.sign(head);
            if !known.contains(head) {
                wanted.push((head.clone(), named.clone()));
            }
        }
        *known = note.heads.into_iter().collect();
    }
    let heads: Vec<&Head> = wanted.iter().map(|(head, _)| head).collect();
    let found = queries::hashes_at(store, &heads).await?;
    for (head, named) in &wanted {
        match found.get(&(head.chain_id.clone(), head.seq)) {
            Some(hash) if *hash == head.hash => {}
            Some(_) => return Err(not_signed(head, named).into()),
            None => {
                let have = queries::last_seq(store, &head.chain_id).await?;
                return Err(truncated(&head.chain_id, have, head.seq, named).into());
            }
        }
    }
    Ok(())
}

pub(super) fn named(note: &Note) -> String {
    format!("the checkpoint of {}", time_text(note.time))
}
