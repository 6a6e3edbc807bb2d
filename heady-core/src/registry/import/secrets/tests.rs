//! What is taken out of a document, and what stays.

mod entries;
mod large;
mod ordinary;
mod written;

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

/// A token of this beginning, put together here so that no scanner takes this file for a leak.
fn token(start: &str) -> String {
    format!("{start}{}", "Ab3dE5".repeat(12))
}

#[test]
fn secrets_go_and_their_paths_stay() {
    let mut document = json!({
        "services": [{"id": "a", "apiKey": "hunter2", "note": format!("use {} here", token("ghp_"))}],
        "db": {"url": "postgres://heady:p@ss:w/rd@db.example:5432/heady?sslmode=require"},
        "hook": "https://h.example/x?token=abcdef123&page=2",
        "nested": {"auth": {"tokens": [token("sk-ant-")]}, "DB_PASSWORD": "x9!"},
        "pem": "-----BEGIN PRIVATE KEY-----\nMIIE",
        "env": ["DB_PASSWORD=x9!", "PORT=80", "Server=db;Password=x9!;Database=d", "--api-key=x9!"],
        "headers": {"Authorization": "Bearer x9!"},
        "command": "curl -H 'Authorization: Bearer 0123456789abcdefX9'",
        "secrets": {"anything": "x9!"}, "dollar": {"password": "$x9!"}, "pin": {"password": 9909},
    });
    let warnings = redact(&mut document).unwrap();
    let text = document.to_string();
    for secret in [
        "hunter2",
        "Ab3dE5",
        "w/rd",
        "abcdef123",
        "x9!",
        "MIIE",
        "X9",
        "990099",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(
        document["db"]["url"],
        "postgres://heady:[REDACTED]@db.example:5432/heady?sslmode=require"
    );
    assert_eq!(
        document["hook"],
        "https://h.example/x?token=[REDACTED]&page=2"
    );
    assert_eq!(document["services"][0]["note"], "use [REDACTED] here");
    let paths: Vec<_> = warnings
        .iter()
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "command",
            "db.url",
            "dollar.password",
            "env[0]",
            "env[2]",
            "env[3]",
            "headers.Authorization",
            "hook",
            "nested.DB_PASSWORD",
            "nested.auth.tokens[0]",
            "pem",
            "pin.password",
            "secrets.anything",
            "services[0].apiKey",
            "services[0].note"
        ]
    );
    assert!(
        warnings
            .iter()
            .all(|warning| !warning.message.contains("hunter2"))
    );
    assert!(
        redact(&mut document).unwrap().is_empty(),
        "there is nothing left to take out"
    );
}

#[test]
fn secrets_in_lists_pairs_and_addresses_go_too() {
    let basic = BASE64.encode("user:hunter2x9");
    let mut document = json!({
        "tokens": ["a8Kd93kLs02Mx8zQ"], "secrets": ["a8Kd93kLs02Mx8zQ"], "accessTokens": {"ci": "a8Kd93kLs02Mx8zQ"},
        "env": [{"name": "DB_PASSWORD", "value": "a8Kd93kLs02Mx8zQ"}], "auth": "a8Kd93kLs02Mx8zQ",
        "headers": [{"key": "X-Api-Key", "value": "a8Kd93kLs02Mx8zQ"}], "note": format!("send Basic {basic}"),
        "slack": format!("https://hooks.slack.com/services/T0{}", "/a8Kd93kLs02Mx8zQ"),
        "telegram": format!("https://api.telegram.org/bot{}:a8Kd93kLs02Mx8zQ/send", 123_456),
    });
    assert_eq!(redact(&mut document).unwrap().len(), 9);
    let text = document.to_string();
    assert!(!text.contains("a8Kd93") && !text.contains(&basic), "{text}");
    assert_eq!(
        document["slack"],
        "https://hooks.slack.com/services/[REDACTED]"
    );
    assert!(redact(&mut document).unwrap().is_empty());
}

#[test]
fn what_is_no_secret_stays() {
    let document = json!({
        "apiKey": "${HEADY_API_KEY}", "token": "HEADY_TOKEN", "password": "", "secret": "required",
        "auth": {"token": "Bearer"}, "privateKey": "/run/secrets/key.pem", "preview": "A preview", "maxTokens": 4096,
        "db": "postgres://heady:${DB_PASSWORD}@db/heady", "plain": "postgres://db/heady", "key": "value",
        "repo": "https://github.com/HeadyMe/Heady", "mail": "someone@example.com", "model": "sk-learn-experiments-nightly",
        "npm": "https://registry.example/@heady/engine", "tokens": ["input", "output"], "clientSecret": "********",
        "header": {"Authorization": "Bearer ${TOKEN}"}, "env": ["PASSWORD=${DB_PASSWORD}"], "variable": {"token": "$TOKEN"},
        "auths": {"client": "heady-2-prod-client"}, "auth": {"client": "heady-2-prod-client", "scheme": "Basic auth"},
        "variables": [{"name": "DB_PASSWORD", "value": "${DB_PASSWORD}"}, {"name": "PORT", "value": "a8Kd93kLs02Mx8zQ"}],
        "docs": "https://hooks.slack.com/services/${SLACK_PATH}",
        "secrets": {"openai": "OPENAI_API_KEY"}, "needs": {"secrets": ["db-password"]}, "keyId": "primary", "a": "http://localhost:3301/@user",
    });
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, document);
}

#[test]
fn secrets_go_wherever_they_stand_below_their_key() {
    let mut document = json!({
        "password": {"prod": "hunter2", "policy": "strong"}, "apiKey": {"value": "x9!"}, "token": {"github": "x9!", "type": "bearer"},
        "credential": {"key": "x9!"}, "privateKey": {"pem": "x9!"}, "secret": 990_099,
        "secrets": {"provider": "kv-store", "prod": {"db": "x9!", "all": ["x9!"]}}, "credentials": {"aws": {"key": "x9!"}},
        "env": ["OPENAI_KEY=a8Kd93kLs02Mx8zQ", "MODEL=sk-learn-experiments-2024"], "GITHUB_TOKEN": "a8Kd93kLs02Mx8zQ",
    });
    redact(&mut document).unwrap();
    let text = document.to_string();
    for secret in ["hunter2", "x9!", "990099", "a8Kd93"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(document["password"]["policy"], "strong");
    assert_eq!(document["token"]["type"], "bearer");
    assert_eq!(document["secrets"]["provider"], "kv-store");
    assert_eq!(document["env"][1], "MODEL=sk-learn-experiments-2024");
    assert!(redact(&mut document).unwrap().is_empty());
}

#[test]
fn names_that_begin_like_tokens_stay() {
    let document = json!({
        "services": {
            "xai-gateway-service-v2": {"port": 1}, "pplx-research-node-01": {"port": 2}, "hf_spaces_connector_07": {"port": 3},
            "web": {"dependencies": ["pplx-research-node-01"], "model": "sk-learn-experiments-2024", "cacheKey": "user-2-profile-v10"},
        },
        "cors": {"credentials": "same-origin"}, "authorization": "role-based", "token": "csrf-double-submit",
        "csrfToken": "enabled", "api": {"authorization": "rbac"},
        "pwd": "/home/Heady/app", "sortKey": "createdAt2024", "credentials": {"provider": "aws-sts", "region": "us-east-1"},
        "tests": {"pass": 12, "pass_rate": "98.5"}, "tokenUrl": "https://id.example/oauth2/token",
    });
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, document);
}

#[test]
fn the_beginnings_that_the_scanner_keeps_go_too() {
    let mut document = json!({
        "entries": {"env:KEY": {"type": "env", "valuePreview": "abcd1234", "preview": "efgh"}},
        "meta": {"scanCount": 3},
    });
    assert_eq!(redact(&mut document).unwrap().len(), 2);
    let mut elsewhere =
        json!({"services": [{"id": "a", "valuePreview": "abcd1234", "preview": "stays"}]});
    assert_eq!(redact(&mut elsewhere).unwrap().len(), 1);
    assert_eq!(elsewhere["services"][0]["preview"], "stays");
}

#[test]
fn a_key_may_be_a_secret_too() {
    let mut document = json!({"tokens": {token("ghp_"): {"scope": "read"}, "[REDACTED]": 1}});
    let warnings = redact(&mut document).unwrap();
    assert_eq!((warnings.len(), warnings[0].path.as_str()), (1, "tokens"));
    assert_eq!(
        document,
        json!({"tokens": {"[REDACTED]": 1, "[REDACTED]#2": {"scope": "read"}}})
    );
}

#[test]
fn a_null_character_is_refused() {
    for document in [json!({"a": ["x\0y"]}), json!({"a\0": 1})] {
        assert_eq!(
            redact(&mut document.clone()).unwrap_err().code(),
            "INVALID_ARGUMENT"
        );
    }
}
