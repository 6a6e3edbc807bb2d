//! Lists of a time, whatever the clock did.

use super::*;
use crate::types::{Timestamp, now};

on_both_databases!(
    a_clock_that_was_put_back_hides_nothing,
    identifiers_follow_the_time,
    a_list_of_all_times_has_everything,
);

async fn append_at(store: &Store, timestamp: Timestamp, target: &str) {
    let record = Record::at(timestamp, "tester", "CONFIG_CHANGE", target, "SUCCEEDED");
    store
        .write(move |transaction| Box::pin(async move { append(transaction, &[record]).await }))
        .await
        .unwrap();
}

async fn a_clock_that_was_put_back_hides_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let audit = Audit::new(store.clone());
    let hour = chrono::TimeDelta::hours(1);
    let began = now();
    append_alone(&store, 1).await;
    append_at(&store, began + hour, "ahead").await;
    append_at(&store, began - hour, "back").await;
    append_at(&store, began - hour, "too").await;
    let targets = async |since: Option<Timestamp>, until: Option<Timestamp>| {
        let query = AuditQuery {
            since,
            until,
            ..AuditQuery::default()
        };
        let page = audit.list(query).await.unwrap();
        let targets = page.entries.into_iter().map(|entry| entry.target);
        targets.collect::<Vec<_>>()
    };
    let micro = chrono::TimeDelta::microseconds(1);
    let past = began - hour;
    assert_eq!(
        targets(Some(past), Some(past + micro)).await,
        ["too", "back"]
    );
    assert_eq!(targets(None, Some(past)).await, [""; 0]);
    assert_eq!(
        targets(Some(past + micro), None).await,
        ["ahead", "service:0"]
    );
    assert_eq!(targets(None, Some(began)).await, ["too", "back"]);
    assert_eq!(
        targets(None, None).await,
        ["ahead", "service:0", "too", "back"]
    );
    let report = audit.verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((report.rows, report.first_fault), (4, None));
}

async fn identifiers_follow_the_time(fresh: Fresh) {
    let store = fresh.open().await;
    let time = now();
    let records: Vec<_> = (0..1000)
        .map(|n: usize| Record::at(time, "tester", "IMPORT", n.to_string(), "SUCCEEDED"))
        .collect();
    assert!(records.is_sorted_by_key(|record| record.id.clone()));
    let uuid = records[0].id.uuid().unwrap();
    let (seconds, nanos) = uuid.get_timestamp().unwrap().to_unix();
    let milliseconds = seconds * 1000 + u64::from(nanos) / 1_000_000;
    assert_eq!(
        milliseconds,
        u64::try_from(time.timestamp_millis()).unwrap()
    );
    append_at(
        &store,
        Timestamp::from_timestamp(-5, 0).unwrap(),
        "before 1970",
    )
    .await;
    let query = AuditQuery {
        until: Some(time),
        ..AuditQuery::default()
    };
    let page = Audit::new(store).list(query).await.unwrap();
    assert_eq!(page.entries.len(), 1);
}

async fn a_list_of_all_times_has_everything(fresh: Fresh) {
    let store = fresh.open().await;
    append_alone(&store, 3).await;
    let audit = Audit::new(store);
    let count = async |since: Option<&str>, until: Option<&str>| {
        let time = |text: &str| text.parse().unwrap();
        let query = AuditQuery {
            since: since.map(time),
            until: until.map(time),
            ..AuditQuery::default()
        };
        audit.list(query).await.unwrap().entries.len()
    };
    for until in [
        "9999-12-31T23:59:59Z",
        "+12000-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
    ] {
        assert_eq!(count(None, Some(until)).await, 3, "until {until}");
        assert_eq!(count(Some(until), None).await, 0, "since {until}");
    }
    for since in [
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "-262143-01-01T00:00:00Z",
    ] {
        assert_eq!(count(Some(since), None).await, 3, "since {since}");
        assert_eq!(count(None, Some(since)).await, 0, "until {since}");
    }
}
