//! Workflows with runs: no import takes them away, and none says so.

use super::*;
use crate::registry::{DetectDrift, DriftReport};
use crate::store::args;

on_both_databases!(
    what_has_runs_stays_and_is_never_told_to_go,
    what_has_runs_is_exported_where_the_document_has_room,
    what_was_kept_because_it_was_changed_by_call_is_told_so,
);

/// Gives these workflows a run each.
async fn run(store: &Store, ids: &[&'static str]) {
    let ids = ids.to_vec();
    let write = store.write(move |transaction| {
        Box::pin(async move {
            for (id, number) in ids.into_iter().zip(1..) {
                let definition = "INSERT INTO pipeline_definitions (pipeline_id, version, definition_hash, definition) VALUES ($1, 1, 'x', '{}')";
                transaction.execute(definition, args![id]).await?;
                let run = format!(
                    "INSERT INTO pipeline_runs (id, workflow_id, seed, status, pipeline_id, definition_version)
                     VALUES ('00000000-0000-7000-8000-00000000000{number}', $1, 1, 'SUCCEEDED', $1, 1)"
                );
                transaction.execute(run, args![id]).await?;
            }
            Ok(())
        })
    });
    write.await.unwrap();
}

fn forced(document: &Value) -> ImportOptions {
    ImportOptions {
        force: Some(true),
        ..of(document)
    }
}

async fn drift(registry: &Registry, document: &Value) -> DriftReport {
    let options = DetectDrift {
        document: Some(document.clone().into()),
        live: Some(false),
        ..DetectDrift::default()
    };
    registry.detect_drift(options).await.unwrap()
}

async fn what_has_runs_stays_and_is_never_told_to_go(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let services = [1, 2, 3].map(|port| json!({"id": format!("s{port}"), "port": port}));
    let document = |ids: &[&str]| {
        let workflows: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        json!({"services": services, "workflows": workflows})
    };
    let full = document(&["w1", "w2", "w3", "w4"]);
    registry.import(of(&full)).await.unwrap();
    run(&store, &["w1", "w2", "w3"]).await;
    let none = document(&[]);
    let stays = "imported, and gone from the file; has runs, so it stays";
    let reasons = |report: &DriftReport| -> Vec<(String, bool)> {
        let drift = report.drift.iter();
        let told = drift.map(|drift| (format!("{}: {}", drift.id, drift.reason), drift.orphan));
        told.collect()
    };
    let kept: Vec<_> = ["w1", "w2", "w3"]
        .map(|id| (format!("{id}: {stays}"), true))
        .into();
    let mut before = kept.clone();
    before.push((
        "w4: gone from the file since the last import".to_owned(),
        true,
    ));
    assert_eq!(reasons(&drift(&registry, &none).await), before);
    let dry = ImportOptions {
        dry_run: Some(true),
        ..of(&none)
    };
    // Of four one goes, which is no reason to refuse it.
    let dry = registry.import(dry).await.unwrap();
    assert!(!codes(&dry).contains(&"MASS_DELETION"), "{dry:#?}");
    assert_eq!((dry.deleted, dry.skipped), (1, 3));
    let done = registry.import(of(&none)).await.unwrap();
    assert_eq!(done, dry);
    for report in [
        done,
        registry.import(of(&none)).await.unwrap(),
        registry.import(forced(&none)).await.unwrap(),
    ] {
        let skipped: Vec<_> = report
            .entries
            .iter()
            .filter(|entry| entry.action == ImportAction::Skip)
            .map(|entry| (entry.id.as_str(), entry.reason.as_deref()))
            .collect();
        let why = Some("has runs, so it stays");
        assert_eq!(skipped, [("w1", why), ("w2", why), ("w3", why)]);
        assert_eq!(report.sections.last().unwrap().skipped, 3);
    }
    assert_eq!(reasons(&drift(&registry, &none).await), kept);
    assert_eq!(
        registry.export().await.unwrap().0,
        document(&["w1", "w2", "w3"])
    );
    let again = registry.import(of(&full)).await.unwrap();
    assert_eq!((again.created, again.unchanged), (1, 6), "{again:#?}");
}

async fn what_has_runs_is_exported_where_the_document_has_room(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let service = json!({"a": {"port": 1}});
    let workflow = |id: &str| json!({"id": id, "file": "x.yaml"});
    let grouped = json!({"services": service, "workflows": {"core": [workflow("w")], "edge": [workflow("v")]}});
    registry.import(of(&grouped)).await.unwrap();
    run(&store, &["w"]).await;
    for (document, expected) in [
        (json!({"services": service}), json!([workflow("w")])),
        (
            json!({"services": service, "workflows": {"edge": [workflow("v")]}}),
            json!({"edge": [workflow("v")], "ungrouped": [workflow("w")]}),
        ),
        (
            json!({"services": service, "workflows": [workflow("v")]}),
            json!([workflow("v"), workflow("w")]),
        ),
    ] {
        registry.import(forced(&document)).await.unwrap();
        let exported = registry.export().await.unwrap().0;
        assert_eq!(exported["workflows"], expected);
        let report = drift(&registry, &document).await;
        let [found] = &report.drift[..] else {
            panic!("{report:#?}");
        };
        assert!(found.reason.starts_with("imported,"), "{found:?}");
    }
}

async fn what_was_kept_because_it_was_changed_by_call_is_told_so(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = |ids: &[&str]| {
        let services: Vec<_> = ids.iter().map(|id| json!({"id": id, "port": 1})).collect();
        json!({"services": services})
    };
    registry.import(of(&document(&["a", "b"]))).await.unwrap();
    let changed = UpdateService {
        id: "a".into(),
        name: Some("Other".into()),
        ..UpdateService::default()
    };
    registry.update_service(changed).await.unwrap();
    registry
        .register_service(RegisterService {
            id: "c".into(),
            ..RegisterService::default()
        })
        .await
        .unwrap();
    let less = document(&["b"]);
    registry.import(of(&less)).await.unwrap();
    let report = drift(&registry, &less).await;
    let told: Vec<_> = report
        .drift
        .iter()
        .map(|found| (found.id.as_str(), found.reason.as_str(), found.orphan))
        .collect();
    let kept = "imported, and gone from the file; kept beside it by the last import";
    let by_call = "registered by call, not in the file";
    assert_eq!(told, [("a", kept, true), ("c", by_call, false)]);
}
