//! What is left behind when a service moves, goes or changes hands, or when a clock jumps.

use super::sharing::found;
use super::*;

on_both_databases!(
    a_successor_of_the_same_name_is_another_service,
    what_was_found_elsewhere_says_nothing,
    a_lease_that_lies_too_far_ahead_holds_nothing,
    what_is_found_in_a_round_is_known_before_its_end,
    probes_that_change_nothing_leave_no_trace_in_the_log,
);

async fn a_successor_of_the_same_name_is_another_service(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (old, fence) = claimed(&store, &registry, &prober, "api").await;
    let delete = DeleteEntry {
        id: "api".into(),
        if_version: None,
    };
    registry.delete_service(delete).await.unwrap();
    let (_, successor) = claimed(&store, &registry, &prober, "api").await;
    assert_ne!(fence, successor);
    let late = found(&old, HealthStatus::Healthy, fence);
    let recorded = record(&store, &registry.feed, &prober, None, vec![late]).await;
    assert_eq!(recorded.unwrap(), [Recorded::Refused]);
    let there = registry.get_service("api").await.unwrap();
    assert_eq!(
        (there.status, there.last_probe),
        (HealthStatus::Unknown, None)
    );
}

async fn what_was_found_elsewhere_says_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let (old, fence) = claimed(&store, &registry, &prober, "api").await;
    let record = async |found: Observation| {
        record(&store, &registry.feed, &prober, None, vec![found])
            .await
            .unwrap()[0]
    };
    let there = async || registry.get_service("api").await.unwrap();
    let healthy = Recorded::Written(Some(HealthStatus::Healthy));
    let good = record(found(&old, HealthStatus::Healthy, fence)).await;
    let seen = there().await;
    assert_eq!((good, seen.last_healthy_at.is_some()), (healthy, true));
    let move_on = UpdateService {
        id: "api".into(),
        base_url: Some("http://127.0.0.1:2".into()),
        ..UpdateService::default()
    };
    let moved = registry.update_service(move_on).await.unwrap();
    assert_eq!(
        (moved.status, &moved.last_probe, moved.last_healthy_at),
        (HealthStatus::Unknown, &None, None)
    );
    let counted = found(&old, HealthStatus::Unhealthy, fence);
    let asked = Observation {
        weight: Weight::Decides,
        ..counted.clone()
    };
    for late in [counted.clone(), asked.clone()] {
        assert_eq!(record(late).await, Recorded::Refused);
    }
    assert_eq!(there().await, moved);
    // Nor does it take the place of what was found here.
    let good = record(found(&moved, HealthStatus::Healthy, fence)).await;
    let seen = there().await;
    assert_eq!((good, seen.last_probe.is_some()), (healthy, true));
    for late in [counted, asked] {
        assert_eq!(record(late).await, Recorded::Refused);
    }
    assert_eq!(there().await, seen);
}

/// As a prober that died before the database's clock was put back.
async fn a_lease_that_lies_too_far_ahead_holds_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, dead, living) = (registry(&store), Id::new(), Id::new());
    claimed(&store, &registry, &dead, "api").await;
    let an_hour = Duration::from_hours(1);
    queries::renew(&store, &dead, an_hour).await.unwrap();
    let balance = queries::balance(&store, &living, LEASE).await.unwrap();
    assert_eq!((balance.others, balance.free), (0, 1));
    queries::claim(&store, &living, LEASE, 10).await.unwrap();
    assert_eq!(prober_of(&store, "api").await.unwrap().0, living);
    // One that lives holds what it has.
    queries::renew(&store, &living, LEASE).await.unwrap();
    queries::claim(&store, &dead, LEASE, 10).await.unwrap();
    assert_eq!(prober_of(&store, "api").await.unwrap().0, living);
}

async fn what_is_found_in_a_round_is_known_before_its_end(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    registry
        .register_service(service("quick", &server.base))
        .await
        .unwrap();
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    registry
        .register_service(service("slow", &base))
        .await
        .unwrap();
    let asking = registry.clone();
    let round = tokio::spawn(async move {
        let patient = ProbeOptions {
            timeout_ms: Some(600_000),
            ..ProbeOptions::default()
        };
        asking.probe(patient).await
    });
    until_status(&registry, "quick", HealthStatus::Healthy).await;
    assert!(!round.is_finished());
    round.abort();
}

async fn probes_that_change_nothing_leave_no_trace_in_the_log(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, prober) = (registry(&store), Id::new());
    let mut services = Vec::new();
    for n in 0..20 {
        let service = service(&format!("service-{n}"), "http://127.0.0.1:1");
        services.push(registry.register_service(service).await.unwrap());
    }
    queries::claim(&store, &prober, LEASE, 20).await.unwrap();
    let mut fences = Vec::new();
    for service in &services {
        fences.push(prober_of(&store, service.id.as_str()).await.unwrap().1);
    }
    let round = || {
        let services = services.iter().zip(&fences);
        let found = services.map(|(service, fence)| found(service, HealthStatus::Healthy, *fence));
        record(&store, &registry.feed, &prober, None, found.collect())
    };
    let trace = async || {
        let entries = Audit::new(store.clone()).list(AuditQuery::default()).await;
        let revision = registry.list_services().await.unwrap().revision;
        (revision, entries.unwrap().entries.len())
    };
    round().await.unwrap();
    let (revision, entries) = trace().await;
    assert_eq!((revision, entries), (40, 20), "each is healthy now");
    let mut last = services[0].created_at;
    for _ in 0..100 {
        let recorded = round().await.unwrap();
        let written = Recorded::Written(Some(HealthStatus::Healthy));
        assert!(recorded.iter().all(|recorded| *recorded == written));
        let seen = registry.get_service("service-7").await.unwrap();
        let at = seen.last_probe.unwrap().at;
        assert!(at > last && seen.last_healthy_at.unwrap() > last);
        last = at;
    }
    assert_eq!(trace().await, (revision, entries));
}
