//! Services that speak for themselves.

use super::*;
use crate::store::Arg;

on_both_databases!(
    a_report_holds_for_its_time,
    a_report_is_checked,
    what_a_late_report_says_is_told,
    a_probe_does_not_hide_that_a_report_had_run_out,
    who_does_not_probe_writes_what_has_run_out,
    who_watches_is_told_of_what_has_run_out,
);

fn report(id: &str, status: HealthStatus) -> ReportHealth {
    ReportHealth {
        id: id.into(),
        status,
        ttl_seconds: 60,
        note: None,
    }
}

/// Lets the report of every service run out.
async fn run_out(store: &Store) {
    let past = now() - chrono::TimeDelta::seconds(1);
    store
        .write(move |transaction| {
            Box::pin(async move {
                let text = "UPDATE services SET report_expires_at = $1 WHERE report_expires_at IS NOT NULL";
                transaction.execute(text, args![past]).await?;
                let mark = "UPDATE registry_revision SET mark = $1";
                transaction.execute(mark, vec![Arg::uuid(&Id::new())]).await
            })
        })
        .await
        .unwrap();
}

async fn a_report_holds_for_its_time(fresh: Fresh) {
    use HealthStatus::{Degraded, Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let other_store = fresh.open().await;
    let (registry, other) = (registry(&store), registry(&other_store));
    registry
        .register_service(service("job", "http://127.0.0.1:1"))
        .await
        .unwrap();
    let first = registry
        .report_health(report("job", Healthy))
        .await
        .unwrap();
    assert_eq!(first.status, Healthy);
    assert!(first.last_healthy_at.is_some() && first.report_expires_at > first.last_healthy_at);
    // The same again is no news, and holds longer.
    // SQLite's clock counts milliseconds.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let second = registry
        .report_health(report("job", Healthy))
        .await
        .unwrap();
    assert!(second.report_expires_at > first.report_expires_at);
    assert_eq!(second.status_changed_at, first.status_changed_at);
    // A probe sees that nobody answers there, and the service says otherwise.
    let probed = registry.probe(ProbeOptions::default()).await.unwrap();
    assert_eq!(probed.probes[0].status, Unhealthy);
    let there = registry.get_service("job").await.unwrap();
    assert_eq!(
        (there.status, there.last_probe.unwrap().status),
        (Healthy, Unhealthy)
    );
    let slow = ReportHealth {
        note: Some("the queue is long".into()),
        ..report("job", Degraded)
    };
    let degraded = registry.report_health(slow).await.unwrap();
    // Somebody said so: the log has who, for what changed and not for what stayed.
    let page = Audit::new(store.clone()).list(AuditQuery::default()).await;
    let said: Vec<_> = page
        .unwrap()
        .entries
        .into_iter()
        .filter(|entry| entry.details.get("change") == Some(&"HEALTH".into()))
        .map(|entry| (entry.target, entry.details["status"].clone()))
        .collect();
    let job = || "service:job".to_owned();
    assert_eq!(
        said,
        [(job(), "DEGRADED".into()), (job(), "HEALTHY".into())]
    );
    assert_eq!(degraded.status_reason.as_deref(), Some("the queue is long"));

    run_out(&store).await;
    let late = other.get_service("job").await.unwrap();
    assert_eq!(late.status, Unhealthy, "whoever reads sees it at once");
    assert_eq!(late.status_changed_at, late.report_expires_at);
    let (a, b) = tokio::join!(
        registry.prober.expire_reports(),
        other.prober.expire_reports()
    );
    a.and(b).unwrap();
    registry.prober.expire_reports().await.unwrap();
    assert_eq!(registry.get_service("job").await.unwrap(), late);
    assert_eq!(
        statuses(&registry, "job").await,
        [Unknown, Healthy, Degraded, Unhealthy]
    );

    // Back in time again, and gone unseen in between.
    registry
        .report_health(report("job", Healthy))
        .await
        .unwrap();
    run_out(&store).await;
    let back = registry
        .report_health(report("job", Healthy))
        .await
        .unwrap();
    assert_eq!(back.status, Healthy);
    // A prober does it all by itself, and judges from then on.
    run_out(&store).await;
    let server = Server::start().await;
    let answers = UpdateService {
        id: "job".into(),
        base_url: Some(server.base.clone()),
        ..UpdateService::default()
    };
    registry.update_service(answers).await.unwrap();
    registry
        .report_health(report("job", Degraded))
        .await
        .unwrap();
    registry.prober.start_at(FAST);
    run_out(&store).await;
    until_status(&registry, "job", Healthy).await;
    assert_eq!(
        registry.get_service("job").await.unwrap().report_expires_at,
        None
    );
    registry.close().await;
    let statuses = statuses(&other, "job").await;
    assert!(
        statuses.ends_with(&[Degraded, Unhealthy, Healthy]),
        "{statuses:?}"
    );
}

async fn a_report_is_checked(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.register_service(service("job", "")).await.unwrap();
    for bad in [
        report("job", HealthStatus::Unknown),
        ReportHealth {
            ttl_seconds: 0,
            ..report("job", HealthStatus::Healthy)
        },
        ReportHealth {
            ttl_seconds: 86_401,
            ..report("job", HealthStatus::Healthy)
        },
        ReportHealth {
            note: Some("n".repeat(501)),
            ..report("job", HealthStatus::Healthy)
        },
        ReportHealth {
            note: Some("nul \0".into()),
            ..report("job", HealthStatus::Healthy)
        },
    ] {
        let refused = registry.report_health(bad.clone()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{bad:?}");
    }
    let missing = registry
        .report_health(report("none", HealthStatus::Healthy))
        .await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        registry.get_service("job").await.unwrap().status,
        HealthStatus::Unknown
    );
}

async fn what_a_late_report_says_is_told(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let registry = registry(&store);
    for (id, late) in [("ill", Unhealthy), ("well", Healthy)] {
        registry.register_service(service(id, "")).await.unwrap();
        registry.report_health(report(id, Healthy)).await.unwrap();
        run_out(&store).await;
        let seen = registry.get_service(id).await.unwrap();
        assert_eq!(seen.status, Unhealthy);
        // Before anybody has written that.
        let after = ReportHealth {
            note: Some("late".into()),
            ..report(id, late)
        };
        let after = registry.report_health(after).await.unwrap();
        assert_eq!(
            (after.status, after.status_reason.as_deref()),
            (late, Some("late"))
        );
        assert_eq!(registry.get_service(id).await.unwrap(), after);
        let is_as_seen = after.status_changed_at == seen.status_changed_at;
        assert_eq!(is_as_seen, late == Unhealthy, "{after:?}");
        assert!(after.status_changed_at >= seen.status_changed_at);
    }
    assert!(registry.prober.expire_reports().await.unwrap().is_empty());
    assert_eq!(
        statuses(&registry, "ill").await,
        [Unknown, Healthy, Unhealthy]
    );
    assert_eq!(
        statuses(&registry, "well").await,
        [Unknown, Healthy, Unhealthy, Healthy]
    );
}

async fn a_probe_does_not_hide_that_a_report_had_run_out(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    let job = service("job", &server.base);
    registry.register_service(job).await.unwrap();
    registry
        .report_health(report("job", Healthy))
        .await
        .unwrap();
    run_out(&store).await;
    registry.probe(ProbeOptions::default()).await.unwrap();
    assert_eq!(
        statuses(&registry, "job").await,
        [Unknown, Healthy, Unhealthy, Healthy]
    );
    let page = Audit::new(store).list(AuditQuery::default()).await.unwrap();
    let newest = &page.entries[0].details;
    assert_eq!(
        (&newest["status"], &newest["probed"]),
        (&json!("HEALTHY"), &json!(true))
    );
    assert_eq!(
        page.entries.len(),
        3,
        "nobody stands for what time has done"
    );
}

async fn who_does_not_probe_writes_what_has_run_out(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let (registry, server) = with_api(&store).await;
    registry
        .report_health(report("api", Healthy))
        .await
        .unwrap();
    registry.prober.start_expiring(FAST);
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
    run_out(&store).await;
    let event = tokio::time::timeout(Duration::from_mins(1), watch.next()).await;
    let event = event.expect("it is told within a minute").unwrap().unwrap();
    assert_eq!(event.object.as_ref().unwrap()["status"], "UNHEALTHY");
    assert_eq!(
        statuses(&registry, "api").await,
        [Unknown, Healthy, Unhealthy]
    );
    registry.close().await;
    let probers = store.fetch_all("SELECT id FROM probers", vec![]).await;
    assert!(probers.unwrap().is_empty());
    assert_eq!(server.times_asked("/api"), 0);
}

/// Nobody started the engine, as in a notebook.
async fn who_watches_is_told_of_what_has_run_out(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, _server) = with_api(&store).await;
    let healthy = report("api", HealthStatus::Healthy);
    registry.report_health(healthy).await.unwrap();
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
    run_out(&store).await;
    let event = tokio::time::timeout(Duration::from_mins(1), watch.next()).await;
    let event = event.expect("it is told within a minute").unwrap().unwrap();
    assert_eq!(event.object.as_ref().unwrap()["status"], "UNHEALTHY");
    registry.close().await;
}
