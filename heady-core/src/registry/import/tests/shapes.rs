//! Every shape of registry file that somebody has: in, and out again unchanged.

use super::*;

on_both_databases!(every_shape_comes_in_and_goes_out_whole,);

/// A catalog of lists.
pub(super) fn catalog() -> Value {
    json!({
        "registryVersion": "1.0.0",
        "components": [
            {"id": "gateway", "dependencies": {"upstream": [], "downstream": ["search"]}},
            {"id": "search", "dependencies": ["gateway"]},
            {"id": "billing"},
        ],
        "aiNodes": [
            {"id": "writer", "category": "ai", "fallbackPolicy": {"fallbackNodes": ["reader"]}, "slo": {"target": 0.97}},
            {"id": "reader", "tool": "read", "triggers": ["read"], "status": "active"},
            {"id": "critic", "tool": "judge", "triggers": ["judge"], "status": "planned"},
        ],
        "workflows": [{"id": "publish", "dependencies": ["gateway"]}],
        "services": [
            {"id": "api", "critical": true, "endpoint": "http://localhost:4001/health", "lastScanHealthy": true, "lastScanLatencyMs": 3},
            {"id": "web", "critical": false, "endpoint": "/", "lastScanHealthy": true, "lastScanLatencyMs": null},
            {"id": "jobs", "critical": false, "endpoint": "mixed"},
        ],
        "overallScore": 0.54,
        "escalation": {"levels": ["a", "b"]},
    })
}

/// Every other shape that users have, in small: the document, its shape, and how many services, nodes and workflows.
fn shapes() -> Vec<(Value, &'static str, (usize, usize, usize))> {
    vec![
        (catalog(), "CATALOG", (3, 3, 1)),
        // The runtime's maps, ids in upper case.
        (
            json!({
                "metadata": {"last_updated": "2026-01-01T00:00:00", "all_nodes_active": false},
                "nodes": {"WRITER": {"name": "Writer", "primary_tool": "w", "trigger_on": ["draft"], "status": "available", "last_invoked": null}},
                "workflows": {"deploy": {"name": "Deploy", "file_path": "C:\\flows\\deploy.md", "slash_command": "/deploy"}},
                "tools": {"lint": {"file_path": "tools/lint.js", "dependencies": null}},
                "services": {"manager": {"name": "Manager", "endpoint": null, "port": 3300, "health_check_url": "http://localhost:3300/api/health"}},
                "skills": {},
            }),
            "MAPS",
            (1, 1, 1),
        ),
        // Services in groups: maps, lists and names.
        (
            json!({
                "$schema": "x", "name": "n", "version": "3",
                "services": {
                    "core": {"api": {"port": 1, "role": "api"}, "brain": {"port": 2, "note": "n"}, "label": "The core"},
                    "edge": [{"id": "tunnel", "endpoint": "https://edge.example/healthz"}, {"name": "cdn"}],
                    "jobs/cron": ["nightly", "weekly"],
                },
                "deployments": {"targets": ["cloud"]},
            }),
            "GROUPS",
            (6, 0, 0),
        ),
        // A map of services with ports.
        (
            json!({"services": {"a": {"port": 9000, "healthPath": "/h", "role": "site"}, "b": {"port": 9001}}, "sitePortMap": {"x.example": 9000}, "workers": {}}),
            "MAPS",
            (2, 0, 0),
        ),
        // Components under categories.
        (
            json!({
                "namingConventions": {"files": "kebab"},
                "components": {"core": {"gateway": {"type": "api", "path": "a.js"}}, "agents": {"writer": {"type": "agent"}}},
                "deprecated": ["old"],
            }),
            "GROUPS",
            (0, 0, 0),
        ),
        // Domains, nodes and layers.
        (
            json!({
                "_meta": {"version": "1"},
                "domains": {"a.example": {"primary": true}, "b.example": {"primary": false}},
                "nodes": {"soul": {"id": "soul", "version": "1", "endpoint": "/soul", "health": "/soul/health", "layer": 1, "config": {"x": 1}}},
                "layers": {"1": {"name": "inner"}},
            }),
            "MAPS",
            (0, 1, 0),
        ),
        // Services by file, nodes by path, and plain values between entries.
        (
            json!({
                "nodes": {"a": {"name": "A", "path": "nodes/a", "service": "s", "priority": 1}, "count": 1},
                "services": {"s": {"file": "s.js", "enabled": true}},
                "healthEndpoints": {"s": "/health"},
            }),
            "MAPS",
            (1, 1, 0),
        ),
        // Lists without ids, and both sections of nodes.
        (
            json!({
                "services": [{"name": "one", "healthPath": "/x", "port": 80}],
                "mcpTools": [{"name": "t", "version": 1, "enabled": true}, {"name": "u", "version": 1, "enabled": false}],
                "agentFleet": [{"role": "x"}, {"role": "y"}],
                "aiNodes": [{"id": "writer", "role": "writes"}],
                "nodes": {"second": {"type": "t"}},
            }),
            "CATALOG",
            (1, 2, 0),
        ),
        // What the scanner stores.
        (
            json!({
                "entries": {"service:api": {"type": "service", "confidence": 1.0}, "env:KEY": {"type": "env"}},
                "meta": {"created": 1, "scanCount": 2, "lastScan": null},
            }),
            "SCAN",
            (0, 0, 0),
        ),
    ]
}

async fn every_shape_comes_in_and_goes_out_whole(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (document, shape, counts) in shapes() {
        let force = ImportOptions {
            force: Some(true),
            ..of(&document)
        };
        let report = registry.import(force).await.unwrap();
        assert_eq!(
            (report.shape.as_str(), report.skipped),
            (shape, 0),
            "{document:#}"
        );
        let found = (
            registry.list_services().await.unwrap().services.len(),
            registry.list_nodes().await.unwrap().nodes.len(),
            registry.list_workflows().await.unwrap().workflows.len(),
        );
        assert_eq!(found, counts, "{document:#}");
        let exported = registry.export().await.unwrap().0;
        assert_eq!(exported, document, "{shape}");
        let again = registry.import(of(&exported)).await.unwrap();
        assert!(again.entries.is_empty(), "{:?}", again.entries);
        assert_eq!(
            again.unchanged,
            report.created + report.updated + report.unchanged
        );
        let by_section: i64 = again.sections.iter().map(|section| section.unchanged).sum();
        assert_eq!(by_section, again.unchanged);
    }
}
