//! Ordinary values under the keys of secrets, which nobody could bring back.

use super::*;

#[track_caller]
fn all_stay(document: &Value) {
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, *document);
}

#[test]
fn names_of_headers_references_chords_and_phrases_stay() {
    all_stay(&json!({
        "apiKeyHeader": "X-Heady-Api-Key", "tokenHeader": "X-Auth-Token", "secret": "projects/p/secrets/db/versions/latest",
        "dbSecret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:heady/db-a1B2c3",
        "secrets": {"db": "heady-db-password", "openai": "openai-api-key"}, "authorization": "Role-Based Access Control",
        "token": "JWT (RS256)", "auth": "OAuth2PKCE", "accessKey": "Alt+Shift+H", "a": {"secret": 7},
    }));
}

#[test]
fn doubtful_ones_go() {
    let mut document = json!({
        "a": {"password": "Correct Horse Battery Staple"}, "b": {"secrets": {"db": "super-secret", "password": "my-password"}},
        "c": {"authorization": "Bearer swordfish"}, "d": {"token": "ABCDE-FGHIJ-KLMNO"}, "e": {"secret": "projects/p/x"},
        "f": {"accessKey": "a+b"}, "g": {"secret": 9909}, "h": {"apiKey": "X-Wing"},
    });
    assert_eq!(redact(&mut document).unwrap().len(), 9, "{document:#}");
}

#[test]
fn sentences_stay() {
    all_stay(&json!({"notes": [
        "Password: ask the owner of the service", "Token: see the wiki", "pass --password to log in, or --api-key and --token",
        "The secret: trust in people", "Authorization: Basic auth is required", "the token is sent as a header",
        "keys: monkey, donkey", "docker run -u 1000:1000 heady", "at 12:30 the token: expires", "Auth: OAuth 2.0",
        "password:\n  policy: strong", "type:token", "secret:db", "scope:token:read", "cookie: session",
        "X-Api-Key: required", "a password hashed by argon2id", "the token (JWT, RS256) is v2", "a secret of 2026", "the password 2nd", "tokens: 4096", "See https://a.example:8080/@user and https://b.example/a:b",
    ], "pairs": ["password", "refresh-token"], "grants": ["--verbose", "token", "client-credentials"]}));
}
