//! Threads that wait for the disk, so that none of the runtime's does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Result};

/// Work that nobody can stop.
pub(in crate::store) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A thread that does one job after the other; it ends with the last of its handles.
#[derive(Clone)]
pub(super) struct Thread {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Thread {
    pub(super) fn start(name: &str, runtime: &Handle) -> Result<Self> {
        let (jobs, mut taken) = mpsc::unbounded_channel::<Job>();
        let runtime = runtime.clone();
        let work = move || {
            while let Some(job) = taken.blocking_recv() {
                // A job that panics is the defect of one caller, who learns of it because its answer never comes.
                let _ = catch_unwind(AssertUnwindSafe(|| runtime.block_on(job)));
            }
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|error| {
                Error::resource_exhausted(format!("the database thread cannot start: {error}"))
                    .caused_by(error)
            })?;
        Ok(Self { jobs })
    }

    /// Does a job, whether or not anybody waits until it is done.
    pub(super) fn execute(&self, job: Job) {
        // The thread ends only when nobody could call this.
        let _ = self.jobs.send(job);
    }

    /// Does a job and returns what comes of it.
    pub(super) fn run<T, F>(&self, job: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (job, answer) = answered(job);
        self.execute(job);
        answer
    }
}

/// A job that answers, and its answer.
pub(in crate::store) fn answered<T, F>(job: F) -> (Job, impl Future<Output = Result<T>> + use<T, F>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = async move {
        // A caller that no longer waits is no failure.
        let _ = reply.send(job.await);
    };
    let answer = async move {
        let panicked =
            |error| Error::internal("work on the database ended in a panic").caused_by(error);
        answer.await.map_err(panicked)
    };
    (Box::pin(job), answer)
}
