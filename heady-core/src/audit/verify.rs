//! Verifying: everything is computed again, from the rows.

use std::collections::HashSet;
use std::time::Duration;

use super::key::{KeyRing, PublicKey};
use super::note::{self, Head, Note};
use super::queries::{self, CheckpointPlace, Cursor};
use super::report::Stop;
use super::row::LogRow;
use super::walk::{Ends, Walk, check_name, not_signed, truncated};
use super::{AuditFault, AuditReport, FaultKind, KeySource, VerifyAudit};
use crate::error::{Error, Result};
use crate::store::{Row, Store, time_text};
use crate::types::{Id, Timestamp, now};

/// How many rows are read at once.
pub(super) const PAGE: i64 = 1000;

/// How long a log that has begun may be without a checkpoint, in seconds: an engine makes the first within one.
const FIRST_CHECKPOINT: i64 = 2;

/// Verifies the log in a database.
pub(super) async fn stored(
    store: &Store,
    ring: &KeyRing,
    with: VerifyAudit,
) -> Result<AuditReport> {
    Verifying::begin(store, ring, with).await?.finish().await
}

/// Verifying a database, to which others write meanwhile.
pub(super) struct Verifying<'a> {
    store: &'a Store,
    ring: &'a KeyRing,
    given: Option<Vec<String>>,
    keys: Vec<PublicKey>,
    /// Checkpoints that were kept elsewhere.
    notes: Vec<String>,
    report: AuditReport,
    ends: Ends,
    /// When the first row was written.
    began: Option<Timestamp>,
}

impl<'a> Verifying<'a> {
    pub(super) async fn begin(
        store: &'a Store,
        ring: &'a KeyRing,
        with: VerifyAudit,
    ) -> Result<Self> {
        let (keys, keys_from) = keys(store, ring, with.public_keys.as_deref()).await?;
        Ok(Self {
            store,
            ring,
            given: with.public_keys,
            notes: note::kept(with.checkpoints.as_deref())?,
            report: AuditReport::new(&keys, keys_from),
            keys,
            ends: Ends::default(),
            began: None,
        })
    }

    pub(super) async fn finish(mut self) -> Result<AuditReport> {
        let outcome = self.run().await;
        self.report.end(&self.ends, outcome)
    }

    async fn run(&mut self) -> Result<(), Stop> {
        self.check_chains().await?;
        loop {
            let outcome = self.check_checkpoints().await;
            let again = match &outcome {
                Err(Stop::Fault(fault)) => match fault.kind {
                    FaultKind::CheckpointSignature => self.has_other_keys().await?,
                    FaultKind::Unsigned => self.was_signed_meanwhile().await?,
                    _ => false,
                },
                _ => false,
            };
            if !again {
                return outcome;
            }
        }
    }

    async fn check_chains(&mut self) -> Result<(), Stop> {
        let mut chain_id = None;
        while let Some(next) = queries::next_chain(self.store, chain_id.as_deref()).await? {
            check_name(&next)?;
            self.check_chain(&next).await?;
            chain_id = Some(next);
        }
        if let Some(stray) = queries::strays(self.store, 0, 1).await?.first() {
            let row = read(stray)?;
            let message = "the row has no place in a chain: it was added";
            return Err(row.fault(FaultKind::Hash, message).into());
        }
        // Those of chains without rows were not looked at.
        for head in queries::heads(self.store).await? {
            if !self.ends.rows.contains_key(&head.chain_id) {
                self.check_chain(&head.chain_id).await?;
            }
        }
        Ok(())
    }

    async fn check_chain(&mut self, chain_id: &str) -> Result<(), Stop> {
        let mut walk = Walk::of(chain_id);
        let outcome = walk_chain(self.store, &mut walk).await;
        self.report.add(&walk);
        outcome?;
        self.ends.rows.insert(chain_id.to_owned(), walk.last.seq);
        self.began = self.began.into_iter().chain(walk.began).min();
        Ok(())
    }

    async fn check_checkpoints(&mut self) -> Result<(), Stop> {
        self.report.checkpoints = 0;
        let mut known = HashSet::new();
        let kept: HashSet<String> = self
            .notes
            .iter()
            .map(|note| note::trimmed(note).to_owned())
            .collect();
        let is_kept = |row: &&Row| {
            let note = row.get::<String>("note");
            note.is_ok_and(|note| kept.contains(note::trimmed(&note)))
        };
        // Those that are both here and kept elsewhere are one each.
        let mut both = 0;
        let mut after = None;
        loop {
            let page = queries::checkpoints_after(self.store, after.as_ref(), 200).await?;
            let Some(last) = page.last() else { break };
            both += page.iter().filter(is_kept).count();
            let notes = page.iter().map(|row| stored_note(row, &self.keys));
            let notes = notes.collect::<Result<_, _>>()?;
            self.check_notes(notes, &mut known).await?;
            after = Some(CheckpointPlace::after(last)?);
        }
        for texts in self.notes.clone().chunks(200) {
            let notes = texts.iter().map(|text| read_note(text, &self.keys));
            self.check_notes(notes.collect::<Result<_, _>>()?, &mut known)
                .await?;
        }
        self.report.checkpoints -= both as i64;
        Ok(self.report.check_signed(self.ring.has_signed())?)
    }

    /// Whether there are other keys to trust than those that were read before the chains were walked: the first checkpoint of
    /// a log may have been made meanwhile.
    async fn has_other_keys(&mut self) -> Result<bool> {
        let (keys, keys_from) = keys(self.store, self.ring, self.given.as_deref()).await?;
        if keys == self.keys {
            return Ok(false);
        }
        self.report.public_keys = keys.iter().map(PublicKey::text).collect();
        self.report.keys_from = keys_from;
        self.keys = keys;
        Ok(true)
    }

    /// Whether a log that has just begun gets its first checkpoint.
    async fn was_signed_meanwhile(&self) -> Result<bool> {
        let young = |began: Timestamp| (now() - began).num_seconds() < FIRST_CHECKPOINT;
        // However wrong the clock is or was.
        for _ in 0..10 * FIRST_CHECKPOINT {
            if !self.began.is_some_and(young) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let first = queries::checkpoints_after(self.store, None, 1).await?;
            if !first.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks that every head of signed notes is a row; those in `known` were looked up for the notes before.
    async fn check_notes(
        &mut self,
        notes: Vec<Note>,
        known: &mut HashSet<Head>,
    ) -> Result<(), Stop> {
        let mut wanted = Vec::new();
        let count = notes.len() as i64;
        for note in notes {
            let named = named(&note);
            for head in &note.heads {
                self.ends.sign(head);
                if !known.contains(head) {
                    wanted.push((head.clone(), named.clone()));
                }
            }
            *known = note.heads.into_iter().collect();
        }
        let heads: Vec<&Head> = wanted.iter().map(|(head, _)| head).collect();
        let found = queries::hashes_at(self.store, &heads).await?;
        for (head, named) in &wanted {
            match found.get(&(head.chain_id.clone(), head.seq)) {
                Some(hash) if *hash == head.hash => {}
                Some(_) => return Err(not_signed(head, named).into()),
                None => {
                    let have = queries::last_seq(self.store, &head.chain_id).await?;
                    return Err(truncated(&head.chain_id, have, head.seq, named).into());
                }
            }
        }
        self.report.checkpoints += count;
        Ok(())
    }
}

/// The keys to trust: those that were given, else the engine's own, else what the database says.
async fn keys(
    store: &Store,
    ring: &KeyRing,
    given: Option<&[String]>,
) -> Result<(Vec<PublicKey>, KeySource)> {
    if let Some(given) = given {
        check_given(given)?;
        let keys: Result<_> = given.iter().map(|text| PublicKey::read(text)).collect();
        return Ok((keys?, KeySource::Given));
    }
    if let Some(key) = ring.public().await? {
        return Ok((vec![key], KeySource::Engine));
    }
    // What is no key there has signed nothing.
    let stored = queries::public_keys(store).await?;
    let keys = stored.iter().filter_map(|text| PublicKey::read(text).ok());
    Ok((keys.collect(), KeySource::Database))
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
            cursor = Cursor::after(last)?;
            // The next page is fetched while this one is verified.
            let (next, verified) = tokio::join!(
                queries::rows_after(store, &chain_id, &cursor, PAGE),
                async { step_through(walk, &page) }
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

fn step_through(walk: &mut Walk, page: &[Row]) -> Result<(), Stop> {
    for row in page {
        walk.step(queries::seq_of(row)?, &read(row)?)?;
    }
    Ok(())
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
        message: not_written(error.message()),
    })
}

/// What it means that a row cannot be read.
pub(super) fn not_written(why: &str) -> String {
    format!("the row is not the one that was written: {why}")
}

/// Reads a checkpoint's note; a checkpoint that cannot be read, or says otherwise than its note, was not made by an engine.
fn stored_note(row: &Row, keys: &[PublicKey]) -> Result<Note, AuditFault> {
    let fault = |why: &str| AuditFault {
        kind: FaultKind::CheckpointSignature,
        chain_id: None,
        seq: None,
        id: None,
        message: format!(
            "the checkpoint {} is not one that was made: {why}",
            row.get::<Id>("id")
                .map_or_else(|_| "without a name".to_owned(), |id| id.to_string()),
        ),
    };
    let read = queries::checkpoint(row).and_then(|checkpoint| {
        let key = PublicKey::read(&checkpoint.public_key)?;
        Ok((checkpoint, key))
    });
    let (checkpoint, key) = read.map_err(|error| fault(error.message()))?;
    let note = if keys.contains(&key) {
        // One signature is checked, as it is that of the key that the checkpoint names.
        read_note(&checkpoint.note, &[key])?
    } else {
        read_note(&checkpoint.note, keys)?;
        return Err(fault("another key has signed it than it names"));
    };
    if note::rows(&note.heads).ok() != Some(checkpoint.rows) || note.time != checkpoint.created_at {
        return Err(fault("its note says otherwise"));
    }
    Ok(note)
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

pub(super) fn named(note: &Note) -> String {
    format!("the checkpoint of {}", time_text(note.time))
}
