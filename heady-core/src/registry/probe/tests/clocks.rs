//! Clocks that are put back, answers that arrive late, and processes that do not live long.

use chrono::TimeDelta;

use super::sharing::found;
use super::*;
use crate::registry::{ReportHealth, Service};
use crate::store::Arg;

on_both_databases!(
    a_time_in_the_future_is_replaced_by_what_is_found,
    a_late_answer_takes_no_newer_one_back,
    a_clock_that_is_ahead_says_nothing_later_than_the_truth,
    what_a_service_says_replaces_a_time_in_the_future,
    an_interval_goes_on_where_the_process_before_left_it,
);

/// Lets the service have been healthy at another time, in both rows that know of it.
async fn move_healthy(store: &Store, id: &str, to: Timestamp) {
    for text in [
        "UPDATE services SET last_healthy_at = $1 WHERE id = $2",
        "UPDATE service_probes SET healthy_at = $1 WHERE service_id = $2",
    ] {
        let args = vec![Arg::from(to), Arg::from(id)];
        store
            .write(move |transaction| {
                Box::pin(async move { transaction.execute(text, args).await.map(drop) })
            })
            .await
            .unwrap();
    }
}

/// Found by a prober that has found it so often already.
fn found_at(service: &Service, status: HealthStatus, fence: i64, at: Timestamp) -> Observation {
    let mut found = found(service, status, fence);
    found.last.at = at;
    found.healthy_at = found.healthy_at.map(|_| at);
    found
}

async fn a_time_in_the_future_is_replaced_by_what_is_found(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy};
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (service, fence) = claimed(&store, &registry, &prober, "api").await;
    let record = async |found: Observation| {
        let recorded = record(&store, &registry.feed, &prober, None, vec![found]).await;
        registry.editors.forget();
        assert_ne!(recorded.unwrap()[0], Recorded::Refused);
    };
    let known = async || registry.get_service("api").await.unwrap().last_healthy_at;
    // Whether or not it changes the status.
    for before in [Healthy, Unhealthy] {
        record(found(&service, before, fence)).await;
        move_healthy(&store, "api", now() + TimeDelta::hours(1)).await;
        let healthy = found(&service, Healthy, fence);
        let at = healthy.healthy_at;
        record(healthy).await;
        assert_eq!(known().await, at, "{before}");
        let row = store.fetch_optional("SELECT last_healthy_at FROM services", vec![]);
        let row = row.await.unwrap().unwrap();
        assert!(row.get::<Option<Timestamp>>("last_healthy_at").unwrap() <= at);
        // And stays so when it is found ill by one who remembers another time.
        record(found(&service, Unhealthy, fence)).await;
        assert_eq!(known().await, at, "{before}");
    }
}

async fn a_late_answer_takes_no_newer_one_back(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (service, fence) = claimed(&store, &registry, &prober, "api").await;
    let (newer, minute) = (now(), TimeDelta::minutes(1));
    // The first one changes the status, so the others stand beside the service alone; who asks for one may be slow.
    for (at, asked_for, expected) in [
        (newer - minute * 2, false, newer - minute * 2),
        (newer, false, newer),
        (newer - minute, true, newer),
    ] {
        let mut found = found_at(&service, HealthStatus::Healthy, fence, at);
        if asked_for {
            found.weight = Weight::Decides;
        }
        record(&store, &registry.feed, &prober, None, vec![found])
            .await
            .unwrap();
        let there = registry.get_service("api").await.unwrap();
        assert_eq!(there.last_healthy_at, Some(expected));
    }
}

async fn a_clock_that_is_ahead_says_nothing_later_than_the_truth(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (service, fence) = claimed(&store, &registry, &prober, "api").await;
    let mut last = None;
    for _ in 0..3 {
        let found = found_at(
            &service,
            HealthStatus::Healthy,
            fence,
            now() + TimeDelta::hours(1),
        );
        record(&store, &registry.feed, &prober, None, vec![found])
            .await
            .unwrap();
        let there = registry.get_service("api").await.unwrap();
        assert!(there.last_healthy_at > last, "it goes on");
        last = there.last_healthy_at;
        assert!(last.unwrap() <= queries::clock(&store).await.unwrap() + TimeDelta::seconds(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn what_a_service_says_replaces_a_time_in_the_future(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (service, fence) = claimed(&store, &registry, &prober, "api").await;
    let healthy = found(&service, HealthStatus::Healthy, fence);
    record(&store, &registry.feed, &prober, None, vec![healthy])
        .await
        .unwrap();
    registry.editors.forget();
    move_healthy(&store, "api", now() + TimeDelta::hours(1)).await;
    let before = now() - TimeDelta::seconds(1);
    let says = ReportHealth {
        id: "api".into(),
        status: HealthStatus::Healthy,
        ttl_seconds: 60,
        note: None,
    };
    registry.report_health(says).await.unwrap();
    let there = registry.get_service("api").await.unwrap();
    let at = there.last_healthy_at.unwrap();
    assert!(before < at && at < now() + TimeDelta::seconds(1), "{at}");
}

async fn an_interval_goes_on_where_the_process_before_left_it(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (service, fence) = claimed(&store, &registry, &prober, "api").await;
    let probed = async || {
        let assigned = queries::assigned(&store, &prober).await.unwrap();
        assigned[0].probed
    };
    assert_eq!(probed().await, None);
    let hour = Duration::from_hours(1);
    let found = found_at(&service, HealthStatus::Healthy, fence, now() - hour);
    record(&store, &registry.feed, &prober, None, vec![found])
        .await
        .unwrap();
    let ago = probed().await.unwrap();
    assert!(
        ago + Duration::from_secs(1) > hour && ago < 2 * hour,
        "{ago:?}"
    );
    // A time that is still to come says nothing.
    let found = found_at(&service, HealthStatus::Healthy, fence, now() + hour);
    record(&store, &registry.feed, &prober, None, vec![found])
        .await
        .unwrap();
    assert_eq!(probed().await, None);
}
