//! How watches end.

use super::*;
use crate::watch::{SharedWatch, State};

on_both_databases!(
    a_closed_engine_ends_its_watches,
    a_shared_watch_is_ended_from_elsewhere,
);

async fn a_closed_engine_ends_its_watches(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
    registry.put_service(put("a", 1)).await.unwrap();
    let mut behind = registry.watch(since(0)).await.unwrap();
    assert_eq!(next(&mut watch).await.revision, 1);
    let waiting = tokio::spawn(async move { watch.next().await });
    registry.close().await;
    assert_eq!(waiting.await.unwrap().unwrap(), None);
    let refused = registry.watch(WatchOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    // One that has yet to look into the table finds the database closed.
    store.close().await;
    assert_eq!(next(&mut behind).await.revision, 1);
    assert_eq!(behind.next().await.unwrap(), None);
}

async fn a_shared_watch_is_ended_from_elsewhere(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.put_service(put("a", 1)).await.unwrap();
    let watch = registry.begin_watch(since(0));
    assert_eq!(watch.next().await.unwrap().unwrap().revision, 1);
    let waiting = {
        let watch = watch.clone();
        tokio::spawn(async move { watch.next().await })
    };
    while watch.state.try_lock().is_ok() {
        tokio::task::yield_now().await;
    }
    watch.close();
    assert_eq!(waiting.await.unwrap().unwrap(), None);
    assert_eq!(watch.next().await.unwrap(), None);
    assert!(matches!(*watch.state.lock().await, State::Closed));
    // What the opening is refused for is told once; then there is nothing.
    let refused = registry.begin_watch(since(7));
    let error = refused.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert_eq!(refused.next().await.unwrap(), None);
    let opened: SharedWatch<RegistryWatch> = registry.watch(since(1)).await.unwrap().into();
    registry.put_service(put("a", 2)).await.unwrap();
    assert_eq!(opened.next().await.unwrap().unwrap().revision, 2);
    registry.close().await;
    assert_eq!(opened.next().await.unwrap(), None);
}
