//! How long it takes to look for secrets: as long as the text is, however it is made.

use std::time::{Duration, Instant};

use super::*;

fn time_of(document: &mut Value) -> Duration {
    let start = Instant::now();
    redact(document).unwrap();
    start.elapsed()
}

/// Checks that eight times the size takes about eight times as long, not sixty-four times.
fn grows_evenly(what: &str, document: impl Fn(usize) -> Value) {
    let short = time_of(&mut document(1));
    let long = time_of(&mut document(8));
    let most = short * 32 + Duration::from_secs(1);
    assert!(long < most, "{what:?}: {short:?}, then {long:?}");
}

#[test]
fn texts_of_parts_that_are_alike() {
    for part in [
        "a=1&",
        "a=",
        "a:",
        "auth=",
        "auth=)",
        "://a",
        "a://b:c/",
        "x@://y:",
        "${",
        "{{",
        "auth=${",
        "password: ",
        "password: word ",
        "--password ",
        "--password \"x ",
        "password=\"a b\" ",
        "password='",
        "=\\",
        "-u a:",
        "{\"a\":",
    ] {
        grows_evenly(part, |times| {
            let text = part.repeat(times * 6_000 / part.len());
            let ended = format!("{text}{}", ")".repeat(times * 3_000));
            json!({"a": text, "password": [text], "auth": ended, text: 1})
        });
    }
}

#[test]
fn keys_that_are_secrets_and_keys_that_are_long() {
    grows_evenly("keys", |times| {
        let map: Map<String, Value> = (0..times * 500)
            .map(|index| (format!("ghp_{index:030}a"), json!(index)))
            .collect();
        json!({"env": map})
    });
    grows_evenly(
        "long keys",
        |times| json!({"k".repeat(times * 10_000): vec![json!("a"); times * 1_000]}),
    );
    let mut document = json!({"k".repeat(300): {"password": "x9!"}});
    let warnings = redact(&mut document).unwrap();
    assert_eq!(warnings[0].path, format!("{}….password", "k".repeat(200)));
}
