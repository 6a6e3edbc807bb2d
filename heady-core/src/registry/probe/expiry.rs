//! Reports that run out: every engine that is started writes it, whether or not it probes, and so does every one in which
//! somebody watches, who is told of nothing else than what is written.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::report::change;
use super::{Prober, queries};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::edit::{Editors, Step};
use crate::registry::entry::Entry;
use crate::types::{Id, Timestamp};

impl Prober {
    /// Goes on until it is dropped.
    pub(super) async fn keep_expiring(&self, every: Duration) {
        let mut told = HashSet::new();
        loop {
            match self.expire_reports().await {
                Ok(damaged) => {
                    // They are tried each time, as somebody may mend them, and named once.
                    for (id, error) in damaged.iter().filter(|(id, _)| !told.contains(id)) {
                        tracing::warn!(
                            "the last report of the service '{id}' has run out, which cannot be written: {error}"
                        );
                    }
                    told = damaged.into_iter().map(|(id, _)| id).collect();
                }
                Err(error) => {
                    tracing::warn!("reports that have run out are not written: {error}");
                }
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Calls all services unhealthy whose last report has run out, and returns those that somebody damaged so that they cannot
    /// be changed.
    pub(super) async fn expire_reports(&self) -> Result<Vec<(Id, Error)>> {
        let (at, expired) = queries::expired(self.store()).await?;
        // At once, so that the lane writes them together.
        let mut expiring = JoinSet::new();
        for id in expired {
            let editors = self.editors().clone();
            expiring.spawn(async move { (id.clone(), expire(&editors, id, at).await) });
        }
        let (mut damaged, mut outcome) = (Vec::new(), Ok(()));
        while let Some(expired) = expiring.join_next().await {
            let (id, expired) = expired.map_err(|error| {
                Error::internal("expiring a report ended in a panic").caused_by(error)
            })?;
            match expired {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::DataLoss => damaged.push((id, error)),
                // No reason to give the others up.
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| damaged)
    }
}

/// Calls a service unhealthy whose last report has run out; whoever comes second changes nothing.
async fn expire(editors: &Editors, id: Id, at: Timestamp) -> Result<()> {
    let nobody = Arc::from("");
    let expired = change(editors, &nobody, id, move |old| {
        let seen = old.clone().seen_at(at);
        if seen == *old {
            Step::Keep(seen)
        } else {
            Step::Observe(seen)
        }
    });
    match expired.await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
