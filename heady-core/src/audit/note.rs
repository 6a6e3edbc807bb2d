//! A checkpoint: what all chains came to at a moment, signed.
//!
//! The text is a C2SP checkpoint in a signed note, so that tools and witnesses of that ecosystem read it: the log's name,
//! how many rows there are, a hash over all heads, and as extension lines when it was made and each head.
//!
//! ```text
//! heady/audit/5f0c2f7f3c0d9a11
//! 1204
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! time 2026-11-25T08:30:00.000000Z
//! chain 0.0 1204 1HDl0gU8S5kQXcb0iVYGzNKy6cS6pJWFA9nEFr9lC7o=
//!
//! — heady/audit/5f0c2f7f3c0d9a11 <signature>
//! ```

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::chain::Digest;
use super::key::{PrivateKey, PublicKey};
use crate::error::{Error, Result};
use crate::store::time_text;
use crate::types::Timestamp;

/// The last row of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Head {
    pub(super) chain_id: String,
    pub(super) seq: i64,
    pub(super) hash: Digest,
}

/// A checkpoint as its note has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Note {
    pub(super) time: Timestamp,
    pub(super) heads: Vec<Head>,
    /// What is signed.
    text: String,
    signatures: Vec<String>,
}

/// Writes and signs a note.
///
/// # Errors
/// `DATA_LOSS` for heads that no log has.
pub(super) fn write(heads: &[Head], time: Timestamp, key: &PrivateKey) -> Result<String> {
    let rows = rows(heads)?;
    let lines = head_lines(heads);
    let text = format!(
        "{}\n{rows}\n{}\ntime {}\n{lines}",
        key.name(),
        root(&lines),
        time_text(time)
    );
    let signature = key.sign(&text);
    Ok(format!("{text}\n{signature}"))
}

/// How many rows the chains have together.
///
/// # Errors
/// `DATA_LOSS` for more than any log has.
pub(super) fn rows(heads: &[Head]) -> Result<i64> {
    let add = |sum: i64, head: &Head| sum.checked_add(head.seq);
    let sum = heads.iter().try_fold(0, add);
    sum.ok_or_else(|| Error::data_loss("the audit log's heads name more rows than there can be"))
}

fn head_lines(heads: &[Head]) -> String {
    let mut lines = String::new();
    for head in heads {
        let hash = BASE64.encode(head.hash);
        lines += &format!("chain {} {} {hash}\n", head.chain_id, head.seq);
    }
    lines
}

fn root(lines: &str) -> String {
    let hash = Sha256::new()
        .chain_update(b"heady/audit/heads/1\0")
        .chain_update(lines)
        .finalize();
    BASE64.encode(hash)
}

impl Note {
    /// Reads one note, or `None` if it is not in the form that [`write`] gives it.
    pub(super) fn read(note: &str) -> Option<Self> {
        let (text, signatures) = note.split_once("\n\n")?;
        let text = format!("{text}\n");
        let mut lines = text.lines();
        let (_, size, hash) = (lines.next()?, lines.next()?, lines.next()?);
        let time = lines.next()?.strip_prefix("time ")?.parse().ok()?;
        let heads = lines.map(read_head).collect::<Option<Vec<_>>>()?;
        if size != rows(&heads).ok()?.to_string() || hash != root(&head_lines(&heads)) {
            return None;
        }
        let signatures = signatures.lines().map(str::to_owned).collect();
        Some(Self {
            time,
            heads,
            text,
            signatures,
        })
    }

    /// The name of the key that is said to have signed it.
    pub(super) fn name(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether one of these keys has signed it.
    pub(super) fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        keys.iter().any(|key| {
            self.signatures
                .iter()
                .any(|line| key.has_signed(&self.text, line))
        })
    }
}

fn read_head(line: &str) -> Option<Head> {
    let mut words = line.strip_prefix("chain ")?.split(' ');
    let (chain_id, seq, hash) = (words.next()?, words.next()?, words.next()?);
    let head = Head {
        chain_id: chain_id.to_owned(),
        seq: seq.parse().ok().filter(|seq| *seq > 0)?,
        hash: BASE64.decode(hash).ok()?.try_into().ok()?,
    };
    words.next().is_none().then_some(head)
}

/// The notes in what a caller kept elsewhere: notes one after the other, JSON of checkpoints, or an export.
///
/// # Errors
/// `INVALID_ARGUMENT` for a text that has none, or something else: a mistaken file says nothing about the log.
pub(super) fn kept(text: Option<&str>) -> Result<Vec<String>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let wrong = |what: &str| Error::invalid_argument(format!("checkpoints: {what}"));
    let mut notes = Vec::new();
    if text.trim_start().starts_with(['{', '[']) {
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            let value = value.map_err(|error| wrong("the text is no JSON").caused_by(error))?;
            notes_of(value, &mut notes);
        }
    } else {
        notes = split(text);
    }
    if notes.is_empty() {
        return Err(wrong("there is none in the text"));
    }
    match notes.iter().position(|note| Note::read(note).is_none()) {
        Some(place) => Err(wrong(&format!(
            "number {} is not in the form of a checkpoint",
            place + 1
        ))),
        None => {
            let mut met = HashSet::new();
            notes.retain(|note| met.insert(trimmed(note).to_owned()));
            Ok(notes)
        }
    }
}

/// A note by which it is told from others, however its text was kept.
pub(super) fn trimmed(note: &str) -> &str {
    note.trim_end()
}

/// The notes in JSON of checkpoints, of pages or lists of them, or of an export's lines.
fn notes_of(value: Value, notes: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| notes_of(item, notes)),
        Value::Object(mut map) => {
            for key in ["note", "checkpoint"] {
                if let Some(Value::String(note)) = map.remove(key) {
                    notes.push(note);
                }
            }
            if let Some(page) = map.remove("checkpoints") {
                notes_of(page, notes);
            }
        }
        _ => {}
    }
}

/// Takes apart a text of several notes: after the signatures of one begins the next. A line that names the key, as the
/// command prints it behind a note, belongs to none.
fn split(text: &str) -> Vec<String> {
    let mut notes = vec![];
    let (mut note, mut signed) = (String::new(), false);
    for line in text.lines() {
        let signature = line.starts_with('\u{2014}');
        if signed && !signature {
            notes.push(std::mem::take(&mut note));
            signed = false;
        }
        if note.is_empty() && (line.trim().is_empty() || line.starts_with("key ")) {
            continue;
        }
        note += line;
        note.push('\n');
        signed |= signature;
    }
    if !note.is_empty() {
        notes.push(note);
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> Vec<Head> {
        [("0.0", 12), ("1.0", 7)]
            .map(|(chain_id, seq)| Head {
                chain_id: chain_id.to_owned(),
                seq,
                hash: super::super::chain::genesis(chain_id),
            })
            .to_vec()
    }

    #[tokio::test]
    async fn a_note_says_what_was_signed_and_nothing_else() {
        let ring = super::super::key::KeyRing::new(super::super::key::KeyPlace::Memory);
        let key = ring.private().await.unwrap();
        let keys = [PublicKey::read(&key.public().text()).unwrap()];
        let time = crate::types::now();
        let text = write(&heads(), time, key).unwrap();
        let note = Note::read(&text).unwrap();
        assert_eq!((note.time, &note.heads), (time, &heads()));
        assert!(note.is_signed_by(&keys));
        let other = super::super::key::KeyRing::new(super::super::key::KeyPlace::Memory);
        let other = other.private().await.unwrap();
        assert!(!note.is_signed_by(&[other.public()]));

        for (from, to) in [
            ("chain 0.0 12 ", "chain 0.0 13 "),
            ("chain 0.0", "chain 0.1"),
            ("\n19\n", "\n20\n"),
            ("time 2", "time 3"),
            ("heady/audit", "heady/other"),
        ] {
            let forged = text.replacen(from, to, 1);
            assert_ne!(forged, text);
            assert!(
                !Note::read(&forged).is_some_and(|note| note.is_signed_by(&keys)),
                "{forged}"
            );
        }
        // One who computes the sums again still cannot sign.
        let forged = write(&heads()[..1], time, other).unwrap();
        let forged = forged.replace(other.name(), key.name());
        assert!(!Note::read(&forged).unwrap().is_signed_by(&keys));

        // More rows than can be counted are those of no log.
        let mut many = heads();
        for head in &mut many {
            head.seq = i64::MAX;
        }
        assert_eq!(write(&many, time, key).unwrap_err().code(), "DATA_LOSS");
        let many = format!(
            "name\n-2\n{}\ntime {}\n{}\n\u{2014} name AAAA\n",
            root(&head_lines(&many)),
            time_text(time),
            head_lines(&many)
        );
        assert_eq!(Note::read(&many), None);
        assert_eq!(kept(Some(&many)).unwrap_err().code(), "INVALID_ARGUMENT");

        let file = format!("\n{text}\n\n{text}{text}");
        assert_eq!(split(&file), [text.clone(), text.clone(), text]);
        assert!(split("\n\n").is_empty());
    }
}
