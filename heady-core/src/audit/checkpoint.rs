//! Signing what the chains came to.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::key::{KeyPlace, KeyRing};
use super::{AuditCheckpoint, note, queries};
use crate::error::{Error, Result};
use crate::store::{Place, Store};
use crate::types::{Id, now};

/// How long a row waits for its checkpoint at most,
const INTERVAL: Duration = Duration::from_secs(1);

/// unless so many wait.
const ROWS: u64 = 1000;

/// The engine's key and what was signed with it.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) ring: KeyRing,
    /// How many of the rows that this engine committed are covered.
    signed: AtomicU64,
    started: AtomicBool,
    /// Set once its key was compared with those that signed before.
    known: OnceCell<()>,
    closed: CancellationToken,
}

impl Signer {
    pub(super) fn new(store: &Store, key_file: Option<PathBuf>) -> Self {
        let place = match (key_file, store.place()) {
            (Some(file), _) => KeyPlace::Named(file),
            (None, Place::File(database)) => {
                let mut file = database.as_os_str().to_owned();
                file.push("-audit-key");
                KeyPlace::File(file.into())
            }
            (None, Place::Memory) => KeyPlace::Memory,
            (None, Place::Server) => KeyPlace::Nowhere,
        };
        Self {
            ring: KeyRing::new(place),
            signed: AtomicU64::new(0),
            started: AtomicBool::new(false),
            known: OnceCell::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Signs all heads as they are now.
    ///
    /// # Errors
    /// `DATA_LOSS` if one is no row: a note of it would say for ever that rows are gone.
    pub(super) async fn sign(&self, store: &Store) -> Result<AuditCheckpoint> {
        let key = self.ring.private().await?;
        let text = key.public().text();
        let compare = || self.compare_key(store, &text);
        self.known.get_or_try_init(compare).await?;
        let committed = store.seats().committed();
        let heads = queries::signable_heads(store).await?;
        let created_at = now();
        let checkpoint = AuditCheckpoint {
            id: Id::new(),
            rows: note::rows(&heads)?,
            note: note::write(&heads, created_at, key)?,
            public_key: text,
            created_at,
        };
        queries::add_checkpoint(store, &checkpoint).await?;
        self.signed.fetch_max(committed, Ordering::Relaxed);
        Ok(checkpoint)
    }

    /// Signs all heads, if that changes nothing about who signs: with a key that is there, and that signed before if one did.
    /// A log that came without its key file would not be whole any more under a new key.
    pub(super) async fn sign_as_before(&self, store: &Store) -> Result<AuditCheckpoint> {
        let not_signed = |why: &str| {
            Err(Error::failed_precondition(format!(
                "no checkpoint is made of how the log ends: {why}"
            )))
        };
        let Some(key) = self.ring.existing().await? else {
            return not_signed("there is no key yet");
        };
        let before = queries::public_keys(store).await?;
        if !before.is_empty() && !before.contains(&key.public().text()) {
            return not_signed("the key here is not one that signed this log before");
        }
        self.sign(store).await
    }

    /// Warns if others signed here and this key did not: then theirs was lost, perhaps.
    async fn compare_key(&self, store: &Store, key: &str) -> Result<()> {
        let others = queries::public_keys(store).await?;
        if !others.is_empty() && !others.iter().any(|other| other == key) {
            tracing::warn!(
                "the audit log is signed with a new key, {key}; what was signed before is only verified if the old key is \
                 trusted too: --public-key {} --public-key {key}",
                others.join(" --public-key ")
            );
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn is_known(&self) -> bool {
        self.known.initialized()
    }

    fn unsigned(&self, store: &Store) -> u64 {
        store.seats().committed() - self.signed.load(Ordering::Relaxed)
    }

    /// Signs by itself from now on, once.
    pub(super) fn start(self: Arc<Self>, store: &Store) {
        if !self.ring.can_sign() {
            tracing::warn!(
                "no checkpoints of the audit log are made, because the option auditKey names no key file"
            );
            return;
        }
        if !self.started.swap(true, Ordering::Relaxed) {
            let store = store.clone();
            let closed = self.closed.clone();
            store.runtime().clone().spawn(async move {
                closed.run_until_cancelled(self.keep_signing(&store)).await;
            });
        }
    }

    async fn keep_signing(&self, store: &Store) {
        loop {
            while self.unsigned(store) == 0 {
                store.seats().commits().await;
            }
            let many = async {
                while self.unsigned(store) < ROWS {
                    store.seats().commits().await;
                }
            };
            let _ = tokio::time::timeout(INTERVAL, many).await;
            if let Err(error) = self.sign(store).await {
                tracing::warn!("no checkpoint of the audit log could be made: {error}");
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }

    /// Signs what is left.
    pub(super) async fn close(&self, store: &Store) {
        self.closed.cancel();
        if self.ring.can_sign()
            && self.unsigned(store) > 0
            && let Err(error) = self.sign(store).await
        {
            tracing::warn!("the last checkpoint of the audit log could not be made: {error}");
        }
    }
}
