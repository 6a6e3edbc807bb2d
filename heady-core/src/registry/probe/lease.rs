//! Who probes what: each prober shows that it lives, and takes its share of the services; those of one that is gone are
//! free when its lease has run out by the database's clock, those of one that closes at once.

use std::time::Duration;

use tokio::time::Instant;

use super::record::{Observation, Recorded, record};
use super::schedule::at;
use super::{Pace, Prober, queries};
use crate::error::{ErrorKind, Result};
use crate::types::now;

/// How long the loop rests after a failure.
const REST: Duration = Duration::from_secs(1);

impl Prober {
    /// Goes on until it is dropped.
    pub(super) async fn keep(&self, pace: Pace) {
        let mut view = View::new();
        loop {
            let due = self.roster().write_due();
            tokio::select! {
                biased;
                () = at(due) => {}
                () = tokio::time::sleep_until(view.due) => {}
                // Something was found that may have to be written sooner.
                () = self.inner.found.notified() => continue,
            }
            if let Err(error) = self.turn(pace, &mut view).await {
                tracing::warn!("probing goes on, but what it found is not written: {error}");
                tokio::time::sleep(REST.min(pace.tick)).await;
            }
        }
    }

    async fn turn(&self, pace: Pace, view: &mut View) -> Result<()> {
        let written = self.write_found().await;
        // Whatever cannot be written: a prober that shows no life loses its services.
        if view.due <= Instant::now() {
            self.look(pace, view).await?;
            view.due = Instant::now() + pace.tick;
        }
        written
    }

    /// Writes what was found and not written yet. What cannot be written because of one service is dropped, and what is found
    /// of it next is tried again: it must keep nothing that was found of others.
    async fn write_found(&self) -> Result<()> {
        let mut parts = vec![self.roster().unwritten()];
        while let Some(mut part) = parts.pop() {
            let found = part.clone();
            match record(self.store(), self.feed(), self.id(), None, found).await {
                Ok(recorded) => self.recorded(&part, recorded),
                Err(error) if error.kind() != ErrorKind::DataLoss => return Err(error),
                Err(error) => match &part[..] {
                    [] => return Err(error),
                    [found] => {
                        let id = &found.id;
                        tracing::warn!(
                            "what was found of the service '{id}' is not written: {error}"
                        );
                        self.roster().written(found, None);
                    }
                    _ => {
                        parts.push(part.split_off(part.len() / 2));
                        parts.push(part);
                    }
                },
            }
        }
        Ok(())
    }

    /// Takes note of what became of observations.
    fn recorded(&self, found: &[Observation], recorded: Vec<Recorded>) {
        if !found.is_empty() {
            self.editors().forget();
        }
        let mut roster = self.roster();
        for (found, recorded) in found.iter().zip(recorded) {
            match recorded {
                Recorded::Written(status) => roster.written(found, status),
                Recorded::Speaks(until) => roster.speaks(found, until),
                Recorded::Refused => roster.forget(&found.id),
            }
        }
    }

    /// Shows life, and takes or gives services.
    async fn look(&self, pace: Pace, view: &mut View) -> Result<()> {
        let lives = *self.inner.lease.borrow() > Instant::now();
        if !lives {
            // Others may have taken some meanwhile; what is still this prober's comes back below.
            self.roster().assign(Vec::new(), Instant::now());
            view.revision = None;
        }
        if !lives
            || view
                .renewed
                .is_none_or(|renewed| renewed.elapsed() >= pace.lease / 3)
        {
            let before = Instant::now();
            queries::renew(self.store(), self.id(), pace.lease).await?;
            view.renewed = Some(before);
            self.inner.lease.send_replace(before + pace.lease);
        }
        let balance = queries::balance(self.store(), self.id(), pace.lease).await?;
        self.roster().keep_time(balance.now - now());
        let share = balance.share();
        if balance.own > share {
            let too_many = usize::try_from(balance.own - share).unwrap_or_default();
            // What cannot be given stays this prober's, and has to come back.
            view.revision = None;
            let released = self.roster().release(too_many);
            queries::release(self.store(), self.id(), &released).await?;
        } else if balance.own < share && balance.free > 0 {
            queries::claim(self.store(), self.id(), pace.lease, share - balance.own).await?;
            view.revision = None;
        }
        if view.revision != Some(balance.revision) {
            let assigned = queries::assigned(self.store(), self.id()).await?;
            self.roster().assign(assigned, Instant::now());
            self.inner.rescheduled.notify_one();
            view.revision = Some(balance.revision);
        }
        Ok(())
    }

    /// Writes what is left and hands everything back.
    pub(super) async fn leave(&self) -> Result<()> {
        let written = self.write_found().await;
        self.roster().assign(Vec::new(), Instant::now());
        queries::leave(self.store(), self.id()).await?;
        written
    }
}

/// What a prober saw when it looked last.
#[derive(Debug)]
struct View {
    /// When it looks again.
    due: Instant,
    renewed: Option<Instant>,
    /// The registry's revision of which the roster is.
    revision: Option<i64>,
}

impl View {
    fn new() -> Self {
        Self {
            due: Instant::now(),
            renewed: None,
            revision: None,
        }
    }
}
