//! Ids of entries and names of groups that sound like secrets.

use super::*;

#[track_caller]
fn all_stay(document: &Value) {
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, *document);
}

/// The places of what goes.
#[track_caller]
fn gone(document: &mut Value) -> Vec<String> {
    let warnings = redact(document).unwrap();
    assert_eq!(redact(&mut document.clone()).unwrap(), [], "{document:#}");
    warnings.into_iter().map(|warning| warning.path).collect()
}

#[test]
fn an_id_says_nothing_of_its_entry() {
    let entry = json!({
        "name": "N", "endpoint": "http://localhost:3000", "health_check_url": "http://localhost:3000/hz", "domain": "a.example.com",
        "layer": "L1", "sourceOfTruth": "src/csrf.js", "lastScannedAt": "2026-01-01T00:00:00Z", "primary_tool": "headyvault",
        "trigger_on": ["rotate", "leak"], "slo": {"target": "fast"}, "steps": [{"name": "one", "uses": "x.y"}],
    });
    for id in [
        "csrf-token",
        "heady-secret",
        "oauth-credentials",
        "passwords",
        "private-key",
        "api-key",
        "secrets",
        "SECRETS",
    ] {
        for section in [
            "services",
            "nodes",
            "aiNodes",
            "workflows",
            "components",
            "registered-services",
        ] {
            let others = json!({"web": {"port": 1}});
            let mut entries = others.clone();
            entries[id] = entry.clone();
            all_stay(&json!({section: entries}));
            all_stay(&json!({section: {"core": {id: entry}, "edge": others}}));
            all_stay(&json!({section: {id: {"vault": entry}, "edge": others}}));
            all_stay(&json!({section: {id: {"core": {"vault": entry}}, "edge": others}}));
            let listed = json!({"id": "vault", "layer": "L1", "port": 1});
            all_stay(&json!({section: {id: [listed], "edge": others}}));
        }
    }
    all_stay(
        &json!({"workflows": {"rotate-secret": {"steps": ["fetch", "write"]}, "a": {"name": "a"}}}),
    );
}

#[test]
fn what_is_secret_in_such_an_entry_goes() {
    let mut document = json!({
        "services": {
            "csrf-token": {"port": 1, "domain": "a", "apiKey": "hunter2", "credentials": {"user": "u", "value": "hunter2pass"}},
            "api-key": {"port": 1, "value": "hunter2", "prod": "hunter2", "pem": "hunter2", "note": token("ghp_")},
        },
        "nodes": {"secrets": {"vault": {"role": "r", "layer": "L", "password": "hunter2"}, "plain": "hunter2"}},
        "components": {"passwords": ["hunter2"], "all": {"x": {"port": 1}}},
        "workflows": {"api-key": "hunter2", "passwords": {"db": "hunter2"}, "a": {"name": "a"}},
    });
    let paths = [
        "components.passwords[0]",
        "nodes.secrets.plain",
        "nodes.secrets.vault.password",
        "services.api-key.note",
        "services.api-key.pem",
        "services.api-key.prod",
        "services.api-key.value",
        "services.csrf-token.apiKey",
        "services.csrf-token.credentials.value",
        "workflows.api-key",
        "workflows.passwords.db",
    ];
    assert_eq!(gone(&mut document), paths);
    assert_eq!(document["services"]["csrf-token"]["domain"], "a");
    assert_eq!(document["nodes"]["secrets"]["vault"]["layer"], "L");
}

#[test]
fn the_store_of_the_scanner_keeps_what_is_no_beginning_of_a_value() {
    let mut document = json!({
        "entries": {"env:OPENAI_API_KEY": {
            "type": "env", "layer": "L1", "lastScan": "2026-01-01T00:00:00Z", "valuePreview": "abcd1234", "preview": "efgh", "value": "ijkl",
        }},
        "meta": {"scanCount": 3},
    });
    let entry = "entries.env:OPENAI_API_KEY";
    let paths = ["preview", "value", "valuePreview"].map(|key| format!("{entry}.{key}"));
    assert_eq!(gone(&mut document), paths);
    let kept = &document["entries"]["env:OPENAI_API_KEY"];
    assert_eq!(
        (&kept["lastScan"], &kept["layer"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("L1"))
    );
}

#[test]
fn a_key_that_sounds_so_inside_of_an_entry_or_of_settings_holds_secrets() {
    for mut document in [
        json!({"services": [{"id": "a", "credentials": {"user": "u", "value": "hunter2pass"}}]}),
        json!({"services": {"a": {"port": 1, "credentials": {"user": "u", "value": "hunter2pass"}}}}),
        json!({"database": {"credentials": {"user": "u", "type": "basic", "value": "hunter2pass"}}}),
        json!({"services": {"a": {"port": 1, "services": {"credentials": {"port": 1, "layer": "hunter2pass"}}}}}),
    ] {
        assert_eq!(gone(&mut document).len(), 1, "{document:#}");
    }
}
