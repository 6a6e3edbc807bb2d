//! Where services run, as their entries say it.

use super::super::catalog::Kind;
use super::*;
use serde_json::json;

#[test]
fn a_service_runs_where_its_entry_says() {
    for (body, base_url, health_path) in [
        (
            json!({"endpoint": "https://a.example/status"}),
            "https://a.example",
            "/status",
        ),
        (
            json!({"endpoint": "http://localhost:4001"}),
            "http://localhost:4001",
            "/api/health",
        ),
        (
            json!({"endpoint": "http://a:1/api", "healthPath": "/healthz"}),
            "http://a:1",
            "/healthz",
        ),
        (
            json!({"endpoint": null, "port": 3301, "healthPath": "/h"}),
            "http://localhost:3301",
            "/h",
        ),
        (
            json!({"port": "8080", "host": "edge.internal"}),
            "http://edge.internal:8080",
            "/api/health",
        ),
        (
            json!({"host": "https://svc.example.com", "port": 443}),
            "https://svc.example.com",
            "/api/health",
        ),
        (
            json!({"hostname": "http://svc.example.com/live", "port": 8080}),
            "http://svc.example.com:8080",
            "/live",
        ),
        (
            json!({"host": "https://svc.example.com:8443", "port": 80}),
            "https://svc.example.com:8443",
            "/api/health",
        ),
        (
            json!({"host": "https://a.example"}),
            "https://a.example",
            "/api/health",
        ),
        (
            json!({"host": "svc.example.com/api", "port": 80}),
            "",
            "/api/health",
        ),
        (
            json!({"host": "ftp://svc.example.com", "port": 80}),
            "",
            "/api/health",
        ),
        (json!({"host": "user@svc", "port": 80}), "", "/api/health"),
        (
            json!({"health_check_url": "http://a:2/live"}),
            "http://a:2",
            "/live",
        ),
        // The three keys of an export that say one thing.
        (
            json!({"endpoint": "http://a:1/api/h?deep=1", "baseUrl": "http://a:1/api", "healthPath": "/h?deep=1"}),
            "http://a:1/api",
            "/h?deep=1",
        ),
        (
            json!({"endpoint": "/", "baseUrl": "", "healthPath": "/", "port": 80}),
            "",
            "/",
        ),
        // By hand they are what they always were.
        (
            json!({"endpoint": "http://a:1", "baseUrl": "http://b:2/api", "healthPath": "/h"}),
            "http://a:1",
            "/h",
        ),
        (
            json!({"endpoint": "", "baseUrl": "", "healthPath": "/h", "port": 81}),
            "http://localhost:81",
            "/h",
        ),
        (json!({"port": 0}), "", "/api/health"),
        (json!({"endpoint": "/"}), "", "/api/health"),
        (json!({"endpoint": "mixed"}), "", "/api/health"),
        (json!({"endpoint": "http://${HOST}/x"}), "", "/api/health"),
        (
            json!({"endpoint": "http://user:pass@a:1/x?key=1"}),
            "http://a:1",
            "/x",
        ),
    ] {
        let item = Item::of(Kind::Service, "services", "s".into(), 0, body.clone());
        let service = item.service();
        assert_eq!(
            (service.base_url.as_str(), service.health_path.as_str()),
            (base_url, health_path),
            "{body}"
        );
        let warned = check_settings(&[item])
            .iter()
            .any(|warning| warning.code == "NO_BASE_URL");
        assert_eq!(warned, base_url.is_empty(), "{body}");
    }
}

#[test]
fn an_address_of_another_kind_is_not_called_none() {
    for (endpoint, what) in [
        ("ftp://x", "a URL, but not of http or https"),
        ("ws://h:1", "a URL, but not of http or https"),
        ("x/y", "no absolute URL"),
        ("localhost:3000", "no absolute URL"),
        ("ws://${HOST}:1", "no absolute URL"),
    ] {
        let body = json!({"endpoint": endpoint});
        let item = Item::of(Kind::Service, "services", "s".into(), 0, body);
        let warnings = check_settings(&[item]);
        let told = format!("'{endpoint}' is {what}, so this service is never probed");
        assert_eq!((warnings.len(), &warnings[0].message), (1, &told));
    }
}

#[test]
fn a_host_that_is_none_is_named() {
    let body = json!({"host": "svc.example.com/api", "port": 80});
    let item = Item::of(Kind::Service, "services", "s".into(), 0, body);
    let warnings = check_settings(&[item]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].path, "services.s.host");
    assert!(warnings[0].message.contains("'svc.example.com/api'"));
}
