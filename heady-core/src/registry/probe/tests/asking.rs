//! What an answer means, and what somebody who asks now gets.

use super::*;

on_both_databases!(
    a_probe_that_somebody_asks_for_decides_at_once,
    an_answer_that_leads_elsewhere_or_never_ends_is_none,
    settings_are_checked_and_kept,
    a_deleted_service_is_forgotten,
);

async fn a_probe_that_somebody_asks_for_decides_at_once(fresh: Fresh) {
    use HealthStatus::{Degraded, Healthy, Unknown};
    let store = fresh.open().await;
    let (registry, server) = with_api(&store).await;
    for (status, expected) in [
        (200, Healthy),
        (200, Healthy),
        (503, Degraded),
        (200, Healthy),
    ] {
        server.set(status);
        registry.probe(ProbeOptions::default()).await.unwrap();
        let there = registry.get_service("api").await.unwrap();
        assert_eq!(there.status, expected);
        let last = there.last_probe.unwrap();
        assert_eq!(
            (last.status, last.at),
            (
                expected,
                there
                    .last_healthy_at
                    .filter(|_| expected == Healthy)
                    .unwrap_or(last.at)
            )
        );
    }
    assert_eq!(
        statuses(&registry, "api").await,
        [Unknown, Healthy, Degraded, Healthy]
    );
    // Who asked stands in the audit log, where that changed something.
    let log = Audit::new(store).list(AuditQuery::default()).await.unwrap();
    let changes = log.entries.iter().filter_map(|entry| {
        let probed = entry.details["probed"] == true;
        probed.then(|| (entry.actor.as_str(), entry.details["status"].as_str()))
    });
    let who = "tester";
    assert_eq!(
        changes.collect::<Vec<_>>(),
        [
            (who, Some("HEALTHY")),
            (who, Some("DEGRADED")),
            (who, Some("HEALTHY"))
        ]
    );
}

#[tokio::test]
async fn a_probe_ends_with_the_engine() {
    let fresh = Fresh::sqlite();
    let registry = registry(&fresh.open().await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    let slow = RegisterService {
        probe_timeout_ms: Some(60_000),
        ..service("silent", &base)
    };
    registry.register_service(slow).await.unwrap();
    let asking = registry.clone();
    let mut asked = tokio::spawn(async move { asking.probe(ProbeOptions::default()).await });
    let _open = tokio::select! {
        open = silent.accept() => open.unwrap(),
        ended = &mut asked => panic!("nobody asked the service: {ended:?}"),
    };
    registry.close().await;
    let ended = tokio::time::timeout(Duration::from_secs(30), asked).await;
    let error = ended.expect("not only when the service answers").unwrap();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
}

async fn an_answer_that_leads_elsewhere_or_never_ends_is_none(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let raw = async |answer: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                open.push(stream);
            }
        });
        base
    };
    let elsewhere = raw("HTTP/1.1 302 Found\r\nlocation: https://example.com/?token=hush\r\ncontent-length: 0\r\n\r\n").await;
    let endless = raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    let large: &'static str = Box::leak(
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n{}",
            "x".repeat(70_000)
        )
        .into_boxed_str(),
    );
    let large = raw(large).await;
    let far = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{}.example/\r\ncontent-length: 0\r\n\r\n",
        "x".repeat(50_000)
    );
    let far = raw(Box::leak(far.into_boxed_str())).await;
    for (id, base) in [
        ("elsewhere", &elsewhere),
        ("endless", &endless),
        ("far", &far),
        ("large", &large),
    ] {
        let impatient = RegisterService {
            probe_timeout_ms: Some(500),
            ..service(id, base)
        };
        registry.register_service(impatient).await.unwrap();
    }
    let report = registry.probe(ProbeOptions::default()).await.unwrap();
    let [elsewhere, endless, far, large] = &report.probes[..] else {
        panic!("{report:?}")
    };
    let reason = elsewhere.reason.as_deref().unwrap();
    assert!(
        reason.contains("'example.com' is not allowed") && !reason.contains("hush"),
        "{reason}"
    );
    assert!(
        endless
            .reason
            .as_deref()
            .unwrap()
            .ends_with("did not answer within 500 ms")
    );
    assert_eq!(far.reason.as_ref().unwrap().len(), 500);
    assert_eq!(
        large.status,
        HealthStatus::Healthy,
        "no more of it is read than needed"
    );
}

async fn settings_are_checked_and_kept(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (bad, field) in [
        (
            RegisterService {
                probe_interval_ms: Some(99),
                ..service("a", "")
            },
            "probeIntervalMs",
        ),
        (
            RegisterService {
                probe_timeout_ms: Some(0),
                ..service("a", "")
            },
            "probeTimeoutMs",
        ),
        (
            RegisterService {
                healthy_threshold: Some(0),
                ..service("a", "")
            },
            "healthyThreshold",
        ),
        (
            RegisterService {
                unhealthy_threshold: Some(101),
                ..service("a", "")
            },
            "unhealthyThreshold",
        ),
    ] {
        let refused = registry.register_service(bad).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.message().starts_with(field), "{refused}");
    }
    let document = json!({"registryVersion": "1.0.0", "components": [], "services": [
        {"id": "own", "endpoint": "http://localhost:4001", "probeIntervalMs": 60_000, "unhealthyThreshold": 5},
        {"id": "theirs", "endpoint": "http://localhost:4002", "healthCheckIntervalMs": 30_000, "healthCheckMs": 2000},
        {"id": "odd", "endpoint": "http://localhost:4003", "probeIntervalMs": 1, "healthyThreshold": "many"},
    ]});
    let report = registry.import(of(document.clone())).await.unwrap();
    let settings = async |id: &str| {
        let service = registry.get_service(id).await.unwrap();
        let thresholds = (service.healthy_threshold, service.unhealthy_threshold);
        (
            service.probe_interval_ms,
            service.probe_timeout_ms,
            thresholds,
        )
    };
    assert_eq!(settings("own").await, (Some(60_000), None, (None, Some(5))));
    assert_eq!(
        settings("theirs").await,
        (Some(30_000), Some(2000), (None, None))
    );
    assert_eq!(settings("odd").await, (None, None, (None, None)));
    let warned: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "PROBE_SETTING")
        .collect();
    assert_eq!(warned.len(), 2, "{:?}", report.warnings);
    // What is set by call stands in the export, and survives the same document.
    let update = UpdateService {
        id: "own".into(),
        probe_timeout_ms: Some(700),
        ..UpdateService::default()
    };
    registry.update_service(update).await.unwrap();
    let exported = registry.export().await.unwrap();
    assert_eq!(exported["services"][0]["probeTimeoutMs"], 700);
    registry.import(of(document)).await.unwrap();
    assert_eq!(
        settings("own").await,
        (Some(60_000), Some(700), (None, Some(5)))
    );
}

async fn a_deleted_service_is_forgotten(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, _server) = with_api(&store).await;
    registry.prober.start_at(FAST);
    until_status(&registry, "api", HealthStatus::Healthy).await;
    let delete = DeleteEntry {
        id: "api".into(),
        if_version: None,
    };
    registry.delete_service(delete).await.unwrap();
    until("the prober lets go", async || {
        registry.prober.roster().next_due().is_none()
    })
    .await;
    assert_eq!(prober_of(&store, "api").await, None);
    registry.register_service(service("api", "")).await.unwrap();
    let fresh = registry.get_service("api").await.unwrap();
    assert_eq!((fresh.last_probe, fresh.last_healthy_at), (None, None));
    registry.close().await;
}
