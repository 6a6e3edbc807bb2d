//! Definitions as they are stored, remembered for the many runs of few definitions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::queries::{self, Pinned};
use crate::error::Result;
use crate::store::Store;

/// How many documents are remembered.
const REMEMBERED: usize = 32;

/// The documents that this engine read lately. What is asked for by its hash is never an old one.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// The newest first.
    known: Mutex<VecDeque<(Pinned, Arc<Value>)>>,
}

impl Documents {
    /// The document of a version.
    pub(super) async fn get(&self, store: &Store, pinned: &Pinned) -> Result<Arc<Value>> {
        if let Some(document) = self.known(pinned) {
            return Ok(document);
        }
        let document = Arc::new(queries::document(store, pinned).await?);
        self.remember(pinned.clone(), document.clone());
        Ok(document)
    }

    fn remember(&self, pinned: Pinned, document: Arc<Value>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(REMEMBERED - 1);
        known.push_front((pinned, document));
    }

    fn known(&self, pinned: &Pinned) -> Option<Arc<Value>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(known, _)| known == pinned);
        found.map(|(_, document)| document.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::store::testing::{Fresh, on_both_databases};

    on_both_databases!(a_document_is_read_once_and_known_by_its_hash);

    async fn a_document_is_read_once_and_known_by_its_hash(fresh: Fresh) {
        let (store, documents) = (fresh.open().await, Documents::default());
        let add = |hash: &'static str| {
            let insert = "INSERT INTO pipeline_definitions (pipeline_id, version, definition_hash, definition)
                 VALUES ('p', 1, $1, '{\"n\": 1}')";
            store.write(move |transaction| {
                Box::pin(async move { transaction.execute(insert, vec![hash.into()]).await })
            })
        };
        let gone = || {
            store.write(|transaction| {
                Box::pin(async move {
                    transaction
                        .execute("DELETE FROM pipeline_definitions", vec![])
                        .await
                })
            })
        };
        let pinned = |hash: &str| Pinned {
            pipeline_id: "p".to_owned(),
            version: 1,
            hash: hash.to_owned(),
        };
        add("a").await.unwrap();
        let first = documents.get(&store, &pinned("a")).await.unwrap();
        assert_eq!(*first, serde_json::json!({"n": 1}));
        gone().await.unwrap();
        let again = documents.get(&store, &pinned("a")).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again), "it was not read again");
        let error = documents.get(&store, &pinned("b")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DataLoss);
        for number in 1..REMEMBERED {
            documents.remember(pinned(&number.to_string()), first.clone());
        }
        assert!(documents.known(&pinned("a")).is_some(), "it still has room");
        documents.remember(pinned("b"), first.clone());
        assert!(documents.known(&pinned("a")).is_none());
        assert!(documents.known(&pinned("1")).is_some());
    }
}
