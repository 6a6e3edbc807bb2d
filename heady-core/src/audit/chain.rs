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
use crate::store::{Boxed, Continuation, Mark, Part, Transaction, time_text};
use crate::types::{Id, hex};

pub(super) type Digest = [u8; 32];
pub(super) type Salt = [u8; 16];

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
    let mut hash = Sha256::new()
        .chain_update(b"heady/audit/details/1\0")
        .chain_update(salt);
    match details {
        Value::Object(map) if map.is_empty() => hash.update(b"{}"),
        details => hash.update(serde_json_canonicalizer::to_vec(details)?),
    }
    Ok(hash.finalize().into())
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
        Ok(Sha256::new()
            .chain_update(b"heady/audit/row/1\0")
            .chain_update(prev)
            .chain_update(serde_json::to_vec(self)?)
            .finalize()
            .into())
    }
}

/// Records that continue a chain together.
#[derive(Debug)]
pub(super) struct Rows(pub(super) Vec<Record>);

/// A row as the SQL takes it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a Id,
    actor: &'a str,
    action: &'a str,
    target: &'a str,
    status: &'a str,
    details: &'a Value,
    timestamp: &'a str,
    chain_id: &'a str,
    seq: i64,
    prev_hash: &'a str,
    hash: &'a str,
    details_commit: &'a str,
    salt: String,
}

impl Continuation for Rows {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn after(&self, seat: &str, mark: &Mark) -> Result<(Part, Mark)> {
        let mut salts = vec![Salt::default(); self.0.len()];
        getrandom::fill(salts.as_flattened_mut())
            .map_err(|error| Error::internal("the system has no randomness").caused_by(error))?;
        let Mark {
            mut seq,
            mut digest,
        } = *mark;
        let mut prev_hash = hex(&digest);
        let mut document = Vec::with_capacity(600 * self.0.len());
        for (record, salt) in self.0.iter().zip(salts) {
            let commit = hex(&details_commit(&salt, &record.details)?);
            let timestamp = time_text(record.timestamp);
            let fields = Fields {
                action: record.action,
                actor: &record.actor,
                call_id: None,
                details_commit: &commit,
                id: &record.id,
                policy_version: None,
                status: &record.status,
                target: &record.target,
                timestamp: &timestamp,
            };
            digest = fields.hash(&digest)?;
            seq += 1;
            let hash = hex(&digest);
            let row = Row {
                id: &record.id,
                actor: &record.actor,
                action: record.action,
                target: &record.target,
                status: &record.status,
                details: &record.details,
                timestamp: &timestamp,
                chain_id: seat,
                seq,
                prev_hash: &prev_hash,
                hash: &hash,
                details_commit: &commit,
                salt: hex(&salt),
            };
            document.push(if document.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(&mut document, &row)?;
            prev_hash = hash;
        }
        document.push(b']');
        let document = String::from_utf8(document)
            .map_err(|error| Error::internal("JSON that is no text").caused_by(error))?;
        Ok((Part::new(queries::insert(), document), Mark { seq, digest }))
    }

    fn last<'t>(&self, seat: &str, transaction: &'t mut Transaction) -> Boxed<'t, Mark> {
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
