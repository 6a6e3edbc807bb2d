//! Calls of which each is decided on what the one before it writes.

use tokio::sync::oneshot;

/// The calls under way, which are carried out one after the other.
#[derive(Default)]
pub(super) struct Answers {
    /// Comes when the last of them has arrived, and ends without if it has not.
    last: Option<oneshot::Receiver<()>>,
}

impl Answers {
    /// The place of another call.
    pub(super) fn next(&mut self) -> Answer {
        let (arrives, last) = oneshot::channel();
        Answer {
            before: self.last.replace(last),
            arrives,
        }
    }

    /// Completes when no call is under way any more.
    pub(super) async fn all(&mut self) {
        if let Some(last) = &mut self.last {
            let _ = last.await;
            self.last = None;
        }
    }
}

/// The place of a call.
pub(super) struct Answer {
    before: Option<oneshot::Receiver<()>>,
    arrives: oneshot::Sender<()>,
}

impl Answer {
    /// Completes when nothing before it is under way, with whether all of that has arrived.
    pub(super) async fn is_next(&mut self) -> bool {
        match self.before.take() {
            Some(before) => before.await.is_ok(),
            None => true,
        }
    }

    /// The call is committed, and told. Dropped without, it is not.
    pub(super) fn arrived(self) {
        // Perhaps nobody comes after it.
        let _ = self.arrives.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_call_goes_by_those_before_it() {
        let mut answers = Answers::default();
        answers.all().await;
        let (mut first, mut second) = (answers.next(), answers.next());
        let mut third = answers.next();
        assert!(first.is_next().await);
        first.arrived();
        assert!(second.is_next().await);
        drop(second);
        assert!(
            !third.is_next().await,
            "what it was decided on is not there"
        );
        drop(third);
        answers.all().await;
        assert!(answers.next().is_next().await, "and all of that is over");
    }

    #[tokio::test]
    async fn one_call_waits_for_the_one_before_it() {
        let mut answers = Answers::default();
        let (first, mut second) = (answers.next(), answers.next());
        tokio::select! {
            biased;
            _ = second.is_next() => panic!("the first is under way"),
            () = std::future::ready(()) => {}
        }
        drop(first);
    }
}
