//! What manifests say of ports and versions, in all their ways.

use super::*;

on_both_databases!(
    the_port_and_version_of_an_entry_are_found_however_a_manifest_says_them,
    what_a_manifest_says_otherwise_is_told,
    a_manifest_that_was_handed_over_is_compared_again,
    a_manifest_is_handed_over_as_a_text_too,
);

/// A folder with one manifest in it, as options.
pub(super) struct Manifest(tempfile::TempDir);

impl Manifest {
    pub(super) fn of(document: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Self(folder);
        std::fs::write(manifest.path(), document.to_string()).unwrap();
        manifest
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.0.path().join("compose.json")
    }

    pub(super) fn options(&self) -> DetectDrift {
        DetectDrift {
            manifest: Some(self.path().display().to_string()),
            ..offline()
        }
    }
}

pub(super) fn offline() -> DetectDrift {
    DetectDrift {
        live: Some(false),
        ..DetectDrift::default()
    }
}

/// What a Compose file with these ports and this tag differs in from a service.
async fn against(registry: &Registry, service: Value, ports: Value, tag: &str) -> Vec<Drift> {
    import(registry, &json!({"services": {"api": service}})).await;
    let image = format!("registry:5000/api{tag}");
    let manifest = Manifest::of(&json!({"services": {"api": {"image": image, "ports": ports}}}));
    let report = registry.detect_drift(manifest.options()).await.unwrap();
    assert!(report.sources.iter().all(|source| source.error.is_none()));
    report.drift
}

async fn the_port_and_version_of_an_entry_are_found_however_a_manifest_says_them(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (service, ports, tag) in [
        (json!({"port": 3301}), json!(["9229:9229", "3301:3301"]), ""),
        (
            json!({"endpoint": "https://api.example.com", "port": 3300}),
            json!(["3300:3300"]),
            "",
        ),
        (
            json!({"endpoint": "https://api.example.com"}),
            json!(["3300:3300"]),
            "",
        ),
        (
            json!({"endpoint": "http://localhost:3300"}),
            json!(["3300:80"]),
            "",
        ),
        (json!({"port": "3302"}), json!([3302]), ""),
        (json!({"port": 3302}), json!(["127.0.0.1:3302:80"]), ""),
        (
            json!({"port": 3302}),
            json!([{"target": 80, "published": "3302"}]),
            "",
        ),
        (json!({"port": 3302}), json!(["3302:80/tcp"]), ""),
        (json!({"port": 3302}), json!(["3300-3305:80-85"]), ""),
        (
            json!({"port": 3302}),
            json!(["9229:9229", "${PORT}:80"]),
            "",
        ),
        (json!({"port": 3302}), json!([]), ""),
        (json!({"port": 1, "version": 1.2}), json!(["1:1"]), ":1.2"),
        (
            json!({"port": 1, "version": "1.2"}),
            json!(["1:1"]),
            ":v1.2",
        ),
        (
            json!({"port": 1, "version": "v1.2"}),
            json!(["1:1"]),
            ":1.2@sha256:00",
        ),
        (
            json!({"port": 1, "version": "1.2"}),
            json!(["1:1"]),
            ":${TAG:-1.3}",
        ),
    ] {
        let drift = against(&registry, service.clone(), ports.clone(), tag).await;
        assert!(drift.is_empty(), "{service} {ports} {tag}: {drift:?}");
    }
}

async fn what_a_manifest_says_otherwise_is_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (service, ports, tag, path, observed) in [
        (
            json!({"port": 3301}),
            json!([3302]),
            "",
            "port",
            json!(3302),
        ),
        (
            json!({"endpoint": "http://localhost:3301"}),
            json!(["3302:3301"]),
            "",
            "port",
            json!(3302),
        ),
        (
            json!({"port": 3301}),
            json!(["9229:9229", "3400-3410:80"]),
            "",
            "port",
            json!([9229, "3400-3410"]),
        ),
        (
            json!({"port": 1, "version": 1.2}),
            json!(["1:1"]),
            ":v1.3",
            "version",
            json!("v1.3"),
        ),
        (
            json!({"port": 1, "version": "next"}),
            json!(["1:1"]),
            ":vnext",
            "version",
            json!("vnext"),
        ),
    ] {
        let drift = against(&registry, service.clone(), ports.clone(), tag).await;
        let [drift] = &drift[..] else {
            panic!("{service} {ports} {tag}: {drift:?}");
        };
        assert_eq!(
            (drift.path.as_str(), drift.observed.clone()),
            (path, Some(observed.into()))
        );
    }
}

async fn a_manifest_that_was_handed_over_is_compared_again(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    import(&registry, &json!({"services": {"api": {"port": 3301}}})).await;
    let handed_over = |document: Value| DetectDrift {
        manifest_document: Some(document.into()),
        ..offline()
    };
    let compose = json!({"services": {"api": {"image": "api", "ports": ["3302:80"]}}});
    let report = registry.detect_drift(handed_over(compose.clone())).await;
    let report = report.unwrap();
    assert_eq!(told(&report), ["MANIFEST api port CHANGED MEDIUM"]);
    assert_eq!(report.sources[1].location, None);
    let again = || registry.detect_drift(offline());
    assert_eq!(told(&again().await.unwrap()), told(&report));
    // The registry moves to where it is deployed.
    import(&registry, &json!({"services": {"api": {"port": 3302}}})).await;
    assert_eq!(told(&again().await.unwrap()), [""; 0]);
    import(&registry, &json!({"services": {"api": {"port": 3301}}})).await;
    assert_eq!(told(&again().await.unwrap()), told(&report));
    // A mistake of the caller leaves everything as it was.
    let both = DetectDrift {
        manifest: Some("compose.yaml".to_owned()),
        ..handed_over(compose)
    };
    for mistake in [both, handed_over(json!({"scripts": {}}))] {
        let error = registry.detect_drift(mistake).await.unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{error}");
        assert!(error.message().contains("manifest"), "{error}");
    }
    assert_eq!(told(&again().await.unwrap()), told(&report));
    let forget = DetectDrift {
        manifest: Some(String::new()),
        ..offline()
    };
    let forgotten = registry.detect_drift(forget).await.unwrap();
    assert_eq!((told(&forgotten).len(), forgotten.sources.len()), (0, 1));
}

async fn a_manifest_is_handed_over_as_a_text_too(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    import(&registry, &json!({"services": {"api": {"port": 3301}}})).await;
    let with = |manifest: Value| DetectDrift {
        manifest_document: Some(manifest.into()),
        ..offline()
    };
    let compose = "services:\n  api:\n    image: api\n    ports: ['3302:3302']\n";
    for text in [
        compose.to_owned(),
        r#"{"services": {"api": {"image": "api", "ports": ["3302:3302"]}}}"#.to_owned(),
    ] {
        let report = registry
            .detect_drift(with(text.clone().into()))
            .await
            .unwrap();
        assert_eq!(report.drift.len(), 1, "{text}");
        assert_eq!(report.drift[0].observed, Some(json!(3302).into()), "{text}");
    }
    // A mistake of the caller is no finding about a source, nor is a path a document.
    for (mistake, said) in [
        (json!("/etc/compose.yaml"), "no deploy manifest"),
        (json!("services: [\n"), "YAML"),
        (json!({"services": {"a\0b": {"image": "x"}}}), "U+0000"),
    ] {
        let error = registry.detect_drift(with(mistake)).await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
        let message = error.message();
        assert!(
            message.starts_with("the manifest: ") && message.contains(said),
            "{message}"
        );
    }
    let listed = registry.list_drift(DriftQuery::default()).await.unwrap();
    let manifest = listed
        .sources
        .iter()
        .find(|source| source.source == DriftSource::Manifest);
    assert_eq!(manifest.unwrap().error, None);
}
