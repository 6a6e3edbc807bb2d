//! The chain: what is hashed, and how records become rows that continue one.
//!
//! ```text
//! hash(0)       = SHA-256("heady/audit/chain/1" 0x00 chain_id)
//! hash(n)       = SHA-256("heady/audit/row/1" 0x00 hash(n-1) JCS{action, actor, callId, detailsCommit, id, policyVersion,
//!                                                            status, target, timestamp})
//! detailsCommit = SHA-256("heady/audit/details/1" 0x00 salt JCS(details))
//! ```
//!
//! JCS is RFC 8785. The salt, 16 random bytes, keeps erased details from being guessed; with details and salt gone the
//! commitment stands, so the chain does. A row's place needs no field of its own: it follows from the hashes.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::queries;
use super::record::Record;
use crate::error::{Error, Result};
use crate::store::{Arg, Boxed, Continuation, Each, Mark, Part, Transaction, time_text};
use crate::types::{Id, hex};

pub(super) type Digest = [u8; 32];
pub(super) type Salt = [u8; 16];

/// Whether a chain can have this name: a seat's, which is two numbers. A note of heads could not be read back with all others,
/// as it has a name in each line, between blanks.
pub(super) fn is_name(chain_id: &str) -> bool {
    let is_number = |text: &str| text.parse().is_ok_and(|n: u32| n.to_string() == text);
    let numbers = chain_id.split_once('.');
    numbers.is_some_and(|(engine, seat)| is_number(engine) && is_number(seat))
}

/// What stands before the first row of a chain.
pub(super) fn genesis(chain_id: &str) -> Digest {
    Sha256::new()
        .chain_update(b"heady/audit/chain/1\0")
        .chain_update(chain_id)
        .finalize()
        .into()
}

/// The commitment to details under a salt.
pub(super) fn details_commit(salt: &Salt, details: &Value) -> Result<Digest> {
    commit(salt, details, &serde_json::to_string(details)?)
}

/// The same, of details that stand in `text` as plain JSON.
fn commit(salt: &Salt, details: &Value, text: &str) -> Result<Digest> {
    let hash = Sha256::new()
        .chain_update(b"heady/audit/details/1\0")
        .chain_update(salt);
    let hash = if is_canonical(details) {
        hash.chain_update(text)
    } else {
        hash.chain_update(serde_json_canonicalizer::to_vec(details)?)
    };
    Ok(hash.finalize().into())
}

/// Whether plain JSON of a value is certainly the canonical one, as it is of most details: RFC 8785 writes numbers as
/// JavaScript does and sorts keys by their UTF-16, which makes a difference for few.
pub(super) fn is_canonical(value: &Value) -> bool {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number
            .as_i64()
            .is_some_and(|whole| whole.unsigned_abs() <= EXACT),
        Value::Array(items) => items.iter().all(is_canonical),
        Value::Object(map) => {
            map.keys().is_sorted()
                && map
                    .iter()
                    .all(|(key, value)| key.is_ascii() && is_canonical(value))
        }
    }
}

/// What of a row is hashed. The fields stand in the order of RFC 8785 and none is a fraction, so that plain JSON is the
/// canonical one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fields<'a> {
    pub(super) action: &'a str,
    pub(super) actor: &'a str,
    pub(super) call_id: Option<&'a Id>,
    pub(super) details_commit: &'a str,
    pub(super) id: &'a Id,
    pub(super) policy_version: Option<i64>,
    pub(super) status: &'a str,
    pub(super) target: &'a str,
    pub(super) timestamp: &'a str,
}

impl Fields<'_> {
    /// The hash of the row that has these fields and follows the row with the hash `prev`.
    pub(super) fn hash(&self, prev: &Digest) -> Result<Digest> {
        // Every commit waits for the hashes of its rows. So all of it is in one buffer, which is long enough for most.
        let mut hashed = Vec::with_capacity(512);
        hashed.extend(b"heady/audit/row/1\0");
        hashed.extend(prev);
        serde_json::to_writer(&mut hashed, self)?;
        Ok(Sha256::digest(&hashed).into())
    }
}

/// Records that continue a chain together.
#[derive(Debug)]
pub(super) struct Rows(pub(super) Vec<Record>);

impl Continuation for Rows {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn after(&self, seat: &str, mark: &Mark) -> Result<(Part, Mark)> {
        let mut salts = vec![Salt::default(); self.0.len()];
        getrandom::fill(salts.as_flattened_mut())
            .map_err(|error| Error::internal("the system has no randomness").caused_by(error))?;
        let mut end = *mark;
        let count = self.0.len();
        let mut details = Vec::with_capacity(count);
        let [mut prev_hashes, mut hashes, mut commits] =
            [(); 3].map(|()| Vec::with_capacity(32 * count));
        for (record, salt) in self.0.iter().zip(&salts) {
            let text = serde_json::to_string(&record.details)?;
            let commit = commit(salt, &record.details, &text)?;
            let fields = Fields {
                action: record.action,
                actor: &record.actor,
                call_id: None,
                details_commit: &hex(&commit),
                id: &record.id,
                policy_version: None,
                status: &record.status,
                target: &record.target,
                timestamp: &time_text(record.timestamp),
            };
            prev_hashes.extend(end.digest);
            end = Mark {
                seq: end.seq + 1,
                digest: fields.hash(&end.digest)?,
            };
            hashes.extend(end.digest);
            commits.extend(commit);
            details.push(text);
        }
        let texts = |text: fn(&Record) -> &str| {
            Each::Texts(
                self.0
                    .iter()
                    .map(|record| text(record).to_owned())
                    .collect(),
            )
        };
        let digests = |bytes| Each::Bytes { bytes, width: 32 };
        let ids = self.0.iter().map(|record| record.id.uuid());
        let no_id = || Error::internal("a record has an identifier that is none of ours");
        let mut args: Vec<Arg> = vec![
            seat.into(),
            mark.seq.into(),
            mark.digest.to_vec().into(),
            end.seq.into(),
            end.digest.to_vec().into(),
        ];
        let columns = [
            Each::Uuids(ids.collect::<Option<_>>().ok_or_else(no_id)?),
            texts(|record| &record.actor),
            texts(|record| record.action),
            texts(|record| &record.target),
            texts(|record| &record.status),
            Each::Documents(details),
            Each::Times(self.0.iter().map(|record| record.timestamp).collect()),
            Each::Ints((mark.seq + 1..=end.seq).collect()),
            digests(prev_hashes),
            digests(hashes),
            digests(commits),
            Each::Bytes {
                bytes: salts.into_flattened(),
                width: 16,
            },
        ];
        args.extend(columns.map(Arg::Each));
        Ok((Part::new(queries::insert(), args), end))
    }

    fn last<'t>(&self, seat: &str, transaction: &'t mut Transaction) -> Boxed<'t, Option<Mark>> {
        let seat = seat.to_owned();
        Box::pin(async move { queries::locked_head(transaction, &seat).await })
    }

    fn is_stored<'t>(&self, transaction: &'t mut Transaction) -> Boxed<'t, bool> {
        // Rows of one operation were committed together or not at all.
        let first = self.0.first().map(|record| record.id.clone());
        Box::pin(async move {
            match first {
                Some(id) => queries::is_stored(transaction, &id).await,
                None => Ok(false),
            }
        })
    }
}
