//! Who probes what, in several processes, and after one of them is gone.

use super::*;

on_both_databases!(
    a_service_has_one_prober_at_a_time,
    a_prober_whose_service_was_taken_writes_nothing,
    a_death_leaves_status_and_history_in_agreement,
);

async fn a_service_has_one_prober_at_a_time(fresh: Fresh) {
    let server = Server::start().await;
    let stores = [fresh.open().await, fresh.open().await, fresh.open().await];
    let [one, two, three] = &stores.each_ref().map(registry);
    let ids: Vec<_> = (0..9).map(|n| format!("service-{n}")).collect();
    for id in &ids {
        one.register_service(service(id, &server.base))
            .await
            .unwrap();
    }
    let store = &stores[0];
    let counts = async || {
        let mut counts: HashMap<Id, usize> = HashMap::new();
        let mut fences = Vec::new();
        for id in &ids {
            if let Some((prober, fence)) = prober_of(store, id).await {
                *counts.entry(prober).or_default() += 1;
                fences.push(fence);
            }
        }
        let of = |registry: &Registry| {
            counts
                .get(registry.prober.id())
                .copied()
                .unwrap_or_default()
        };
        ([of(one), of(two), of(three)], fences)
    };
    let all_are_asked = async || {
        let before: Vec<_> = ids
            .iter()
            .map(|id| server.times_asked(&format!("/{id}")))
            .collect();
        until("all are asked twice more", async || {
            ids.iter()
                .zip(&before)
                .all(|(id, before)| server.times_asked(&format!("/{id}")) > before + 1)
        })
        .await;
    };
    one.prober.start_at(FAST);
    until("one prober has all", async || counts().await.0 == [9, 0, 0]).await;
    all_are_asked().await;

    two.prober.start_at(FAST);
    until("two probers share", async || {
        let [a, b, c] = counts().await.0;
        (a, c) == (5, 0) && b == 4
    })
    .await;
    all_are_asked().await;

    // Dies without a word.
    let (_, fences) = counts().await;
    one.prober.stop().await;
    until("the survivor has all", async || {
        counts().await.0 == [0, 9, 0]
    })
    .await;
    let (_, later) = counts().await;
    assert!(later.iter().sum::<i64>() > fences.iter().sum::<i64>());
    all_are_asked().await;

    three.prober.start_at(FAST);
    until("two probers share again", async || {
        let [a, b, c] = counts().await.0;
        a == 0 && (b, c) == (5, 4)
    })
    .await;
    all_are_asked().await;

    two.close().await;
    assert_eq!(counts().await.0[1], 0, "whoever closes hands back");
    until("the other has all", async || counts().await.0 == [0, 0, 9]).await;
    all_are_asked().await;
    three.close().await;
    assert_eq!(server.twice.load(Ordering::Relaxed), 0);
    let text = "SELECT count(*) AS n FROM probers WHERE id IN ($1, $2)";
    let ids = vec![
        crate::store::Arg::uuid(two.prober.id()),
        crate::store::Arg::uuid(three.prober.id()),
    ];
    let row = store.fetch_optional(text, ids).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("n").unwrap(), 0);
}

/// As a prober of this fence found it, often enough.
pub(super) fn found(service: &Service, status: HealthStatus, fence: i64) -> Observation {
    let streak = Streak {
        found: status,
        repeated: 9,
        failures: if status == HealthStatus::Healthy {
            0
        } else {
            9
        },
    };
    Observation {
        id: service.id.clone(),
        base_url: service.base_url.clone(),
        health_path: service.health_path.clone(),
        last: roster::tests::answer(status).found(streak),
        streak,
        healthy_at: (status == HealthStatus::Healthy).then(now),
        weight: Weight::Counted {
            fence,
            thresholds: Thresholds { up: 2, down: 3 },
            turns: true,
        },
    }
}

async fn a_prober_whose_service_was_taken_writes_nothing(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let registry = registry(&store);
    let (slow, quick) = (Id::new(), Id::new());
    let (service, first) = claimed(&store, &registry, &slow, "api").await;
    let write = async |prober: &Id, status, fence| {
        let found = found(&service, status, fence);
        record(&store, &registry.feed, prober, None, vec![found])
            .await
            .unwrap()[0]
    };
    let written = write(&slow, HealthStatus::Healthy, first).await;
    assert_eq!(written, Recorded::Written(Some(HealthStatus::Healthy)));
    // Without a lease it is free for others.
    queries::renew(&store, &quick, LEASE).await.unwrap();
    queries::claim(&store, &quick, LEASE, 10).await.unwrap();
    let second = first + 1;
    let quicks = Some((quick.clone(), second));
    assert_eq!(prober_of(&store, "api").await, quicks);
    let before = registry.get_service("api").await.unwrap();
    for (prober, fence) in [(&slow, first), (&slow, second), (&quick, first)] {
        let refused = write(prober, HealthStatus::Unhealthy, fence).await;
        assert_eq!(refused, Recorded::Refused);
    }
    assert_eq!(registry.get_service("api").await.unwrap(), before);
    // With one it is not.
    queries::claim(&store, &slow, LEASE, 10).await.unwrap();
    assert_eq!(prober_of(&store, "api").await, quicks);
    write(&quick, HealthStatus::Unhealthy, second).await;
    assert_eq!(
        statuses(&registry, "api").await,
        [Unknown, Healthy, Unhealthy]
    );
}

async fn a_death_leaves_status_and_history_in_agreement(fresh: Fresh) {
    let store = fresh.open().await;
    let server = Server::start().await;
    let observer = registry(&store);
    let hair_trigger = RegisterService {
        healthy_threshold: Some(1),
        unhealthy_threshold: Some(1),
        ..service("api", &server.base)
    };
    observer.register_service(hair_trigger).await.unwrap();
    let mut last = None;
    for death in 0..6_u16 {
        let store = fresh.open().await;
        let registry = registry(&store);
        registry.prober.start_at(FAST);
        let asked = server.times_asked("/api");
        until("a few probes", async || {
            let asked = server.times_asked("/api") - asked;
            server.set(if asked % 2 == 0 { 200 } else { 503 });
            asked > usize::from(death % 4)
        })
        .await;
        registry.prober.stop().await;
        let there = observer.get_service("api").await.unwrap();
        let known = registry.get_service("api").await.unwrap();
        assert!(
            there.last_healthy_at <= known.last_healthy_at,
            "later than the truth"
        );
        assert!(there.last_healthy_at >= last, "earlier than before");
        last = there.last_healthy_at;
        queries::leave(&store, registry.prober.id()).await.unwrap();
    }
    let statuses = statuses(&observer, "api").await;
    assert!(
        statuses.windows(2).all(|pair| pair[0] != pair[1]),
        "{statuses:?}"
    );
    let there = observer.get_service("api").await.unwrap();
    assert_eq!(Some(&there.status), statuses.last());
}
