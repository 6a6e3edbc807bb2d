//! Where a watch begins and goes on, and what it is told where it cannot.

use super::*;
use crate::store::{Arg, Store, args};
use crate::types::Id;

on_both_databases!(
    a_watch_begins_where_it_is_told,
    events_that_are_gone_say_list_again,
    a_log_that_was_put_back_says_list_again,
    a_log_that_was_put_back_and_grew_says_list_again,
    events_that_somebody_removed_say_list_again,
    events_are_kept_however_many_there_may_be,
);

async fn a_watch_begins_where_it_is_told(fresh: Fresh) {
    let (here, there) = (fresh.open().await, fresh.open().await);
    let (registry, other) = (registry(&here), registry(&there));
    registry.put_service(put("a", 1)).await.unwrap();
    let list = registry.list_services().await.unwrap();
    let mut from_now = registry.watch(WatchOptions::default()).await.unwrap();
    assert_eq!(from_now.revision(), list.revision);
    let mut from_list = other.watch(since(list.revision)).await.unwrap();
    assert!(silent(&mut from_now).await && silent(&mut from_list).await);
    let delete = DeleteEntry {
        id: "a".into(),
        if_version: None,
    };
    registry.put_service(put("a", 1)).await.unwrap();
    other.delete_service(delete).await.unwrap();
    for watch in [&mut from_now, &mut from_list] {
        let event = next(watch).await;
        assert_eq!(
            (
                event.revision,
                event.change,
                event.object.as_ref().unwrap()["id"].as_str()
            ),
            (2, RegistryChange::Delete, Some("a")),
            "what changed nothing is no event"
        );
        assert_eq!(watch.revision(), 2);
    }
    for (revision, kind) in [
        (3, ErrorKind::FailedPrecondition),
        (-1, ErrorKind::InvalidArgument),
    ] {
        let refused = registry.watch(since(revision)).await.unwrap_err();
        assert_eq!(refused.kind(), kind);
    }
}

async fn retain(store: &Store, events: i64) {
    store
        .write(move |transaction| {
            Box::pin(async move {
                let retain = "UPDATE registry_revision SET retained = $1";
                transaction.execute(retain, args![events]).await
            })
        })
        .await
        .unwrap();
}

async fn events_that_are_gone_say_list_again(fresh: Fresh) {
    let store = fresh.open().await;
    retain(&store, 16).await;
    let registry = registry(&store);
    let mut slow = registry.watch(WatchOptions::default()).await.unwrap();
    for n in 0..300 {
        registry.put_service(put("a", n)).await.unwrap();
    }
    let kept = store
        .fetch_all("SELECT revision FROM registry_events", vec![])
        .await
        .unwrap();
    assert!(
        (16..=18).contains(&kept.len()),
        "{} events are kept",
        kept.len()
    );
    let gone = registry.watch(since(0)).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::FailedPrecondition);
    assert!(!gone.retryable());
    let details = gone.details().unwrap();
    assert_eq!(
        (&details["compacted"], &details["newest"]),
        (&json!(true), &json!(300))
    );
    let oldest = details["oldest"].as_i64().unwrap();
    let mut watch = registry.watch(since(oldest - 1)).await.unwrap();
    for revision in oldest..=300 {
        assert_eq!(next(&mut watch).await.revision, revision);
    }
    // Too late for the broadcast, for what is in memory and for the table: it is told, not left with a gap.
    registry.forget_events();
    let error = loop {
        match slow.next().await {
            Ok(event) => assert_eq!(event.unwrap().revision, slow.revision()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.details().unwrap()["compacted"], true);
    let list = registry.list_services().await.unwrap();
    let mut again = registry.watch(since(list.revision)).await.unwrap();
    registry.put_service(put("a", -1)).await.unwrap();
    assert_eq!(next(&mut again).await.revision, list.revision + 1);
}

/// As a standby that takes over and has not received the last commits.
async fn put_back(store: &Store, revision: i64) {
    store
        .write(move |transaction| {
            Box::pin(async move {
                let now = "UPDATE registry_revision SET revision = $1, mark = $2";
                let mark = Arg::uuid(&Id::new());
                transaction
                    .execute(now, vec![revision.into(), mark])
                    .await?;
                let log = "DELETE FROM registry_events WHERE revision > $1";
                transaction.execute(log, args![revision]).await
            })
        })
        .await
        .unwrap();
}

/// What a log that was put back says to whoever was further on, however far it has come since: not what it changed after.
async fn a_log_that_was_put_back_and_grew_says_list_again(fresh: Fresh) {
    let (store, other) = (fresh.open().await, fresh.open().await);
    let registry = registry(&store);
    let others = super::super::super::tests::registry(&other);
    let mut n = 100;
    // How often another engine writes and then this one, after two changes are lost.
    for (theirs, own) in [(1, 0), (2, 0), (2, 1), (5, 0), (5, 1)] {
        let mut bookmarked = registry
            .watch(WatchOptions {
                bookmarks: Some(true),
                ..WatchOptions::default()
            })
            .await
            .unwrap();
        let begin = bookmarked.revision();
        let mut idle = registry.watch(WatchOptions::default()).await.unwrap();
        for n in 0..3 {
            registry.put_service(put("a", n)).await.unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let event = next(&mut bookmarked).await;
            if event.change != RegistryChange::Bookmark {
                seen.push(event);
            }
        }
        for event in &seen {
            assert_eq!(next(&mut idle).await, *event);
        }
        bookmarked.bookmarks.as_mut().unwrap().told = begin;
        bookmarked.bookmarks.as_mut().unwrap().due = Instant::now();
        let bookmark = next(&mut bookmarked).await;
        let last = &seen[2];
        assert_eq!(
            (bookmark.change, bookmark.revision, bookmark.at),
            (RegistryChange::Bookmark, last.revision, last.at)
        );

        // Times are told apart to the millisecond.
        tokio::time::sleep(Duration::from_millis(2)).await;
        put_back(&store, begin + 1).await;
        for (count, writer) in [(theirs, &others), (own, &registry)] {
            for _ in 0..count {
                n += 1;
                writer.put_service(put("a", n)).await.unwrap();
            }
        }
        let case = format!("{theirs} and {own} changes");
        for watch in [&mut bookmarked, &mut idle] {
            let told = tokio::time::timeout(Duration::from_mins(1), watch.next()).await;
            let error = told.expect("an answer within a minute").expect_err(&case);
            assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{case}");
            assert_eq!(error.details().unwrap()["compacted"], true, "{case}");
        }
        let from = |event: &RegistryEvent| WatchOptions {
            since: Some(event.revision),
            since_at: Some(event.at),
            ..WatchOptions::default()
        };
        // What was not lost can be gone on from.
        let mut again = registry.watch(from(&seen[0])).await.unwrap();
        assert_eq!(next(&mut again).await.revision, begin + 2);
        let error = registry.watch(from(last)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{case}");
    }
    let nothing_seen = WatchOptions {
        since_at: Some(crate::types::now()),
        ..WatchOptions::default()
    };
    let error = registry.watch(nothing_seen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

async fn a_log_that_was_put_back_says_list_again(fresh: Fresh) {
    let (store, other) = (fresh.open().await, fresh.open().await);
    let registry = registry(&store);
    let writers = [
        registry.clone(),
        super::super::super::tests::registry(&other),
    ];
    for (round, writer) in writers.iter().enumerate() {
        let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
        for n in 0..5 {
            registry
                .put_service(put("a", 10 * round as i64 + n))
                .await
                .unwrap();
        }
        while watch.revision() < registry.list_services().await.unwrap().revision {
            next(&mut watch).await;
        }
        put_back(&store, 3).await;
        writer.put_service(put("a", -1)).await.unwrap();
        let told = tokio::time::timeout(Duration::from_mins(1), watch.next()).await;
        let error = told.expect("an answer within a minute").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    }
}

async fn events_that_somebody_removed_say_list_again(fresh: Fresh) {
    // Which go, how many events there are before them and the oldest after them.
    let removed = [
        ("revision = 5", 4, 6),
        ("revision IN (2, 3)", 1, 4),
        ("revision < 4", 0, 4),
        ("true", 0, 6),
    ];
    let store = fresh.open().await;
    let registry = registry(&store);
    for n in 1..=5 {
        registry.put_service(put("a", n)).await.unwrap();
    }
    for (which, before, oldest) in removed {
        let remove = format!("DELETE FROM registry_events WHERE {which}");
        store
            .write(move |transaction| {
                Box::pin(async move { transaction.execute(remove, vec![]).await })
            })
            .await
            .unwrap();
        registry.forget_events();
        let error = match registry.watch(since(0)).await {
            Err(error) => error,
            Ok(mut watch) => {
                for revision in 1..=before {
                    assert_eq!(next(&mut watch).await.revision, revision, "{which}");
                }
                watch.next().await.unwrap_err()
            }
        };
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{which}");
        let details = error.details().unwrap();
        assert_eq!(
            details,
            &json!({"compacted": true, "oldest": oldest, "newest": 5})
        );
    }
    // And goes on from what there is.
    let list = registry.list_services().await.unwrap();
    let mut again = registry.watch(since(list.revision)).await.unwrap();
    registry.put_service(put("a", -1)).await.unwrap();
    assert_eq!(next(&mut again).await.revision, 6);
}

async fn events_are_kept_however_many_there_may_be(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    for (n, retained) in [i64::MAX, i64::MIN, 5].into_iter().enumerate() {
        retain(&store, retained).await;
        registry.editors.forget();
        registry.put_service(put("a", n as i64)).await.unwrap();
    }
    let list = registry.list_services().await.unwrap();
    assert_eq!(list.revision, 3);
}
