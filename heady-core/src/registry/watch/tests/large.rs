//! Large events: what watchers that are late hold of them.

use super::super::model::bytes;
use super::super::state::{PAGE_BYTES, UNDERWAY_BYTES};
use super::*;

on_both_databases!(large_events_come_in_small_pages_and_none_is_missed);

async fn large_events_come_in_small_pages_and_none_is_missed(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let large = |n: i64| PutService {
        metadata: Some(json!({"n": n, "text": "a".repeat(500 << 10)}).into()),
        ..put("a", n)
    };
    let mut stuck = registry.watch(WatchOptions::default()).await.unwrap();
    let mut live = registry.watch(WatchOptions::default()).await.unwrap();
    let count = 30;
    for n in 1..=count {
        registry.put_service(large(n)).await.unwrap();
        assert_eq!(next(&mut live).await.revision, n);
        assert!(registry.feed.underway() <= UNDERWAY_BYTES);
    }
    let mut late = registry.watch(since(0)).await.unwrap();
    for n in 1..=count {
        // From the table, and from what is recent.
        if n == count / 2 {
            registry.forget_events();
        }
        for watch in [&mut late, &mut stuck] {
            let event = next(watch).await;
            assert_eq!(event.revision, n);
            assert_eq!(event.object.as_ref().unwrap()["metadata"]["n"], n);
            watch.ahead.make_contiguous();
            assert!(bytes(watch.ahead.as_slices().0) <= PAGE_BYTES);
        }
    }
    assert!(silent(&mut late).await && silent(&mut stuck).await);
}
