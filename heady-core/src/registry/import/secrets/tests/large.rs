//! Large documents, however they are made. Nothing here looks at a clock: work that grew with the square of a text would take
//! minutes for these, and does not end unnoticed.

use super::*;

/// Looks through a document that is many times as large as any registry.
fn ends(document: impl Fn(usize) -> Value) -> Value {
    let mut document = document(8);
    redact(&mut document).unwrap();
    document
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
        "mysql -px ",
        "mysql -p\"",
        "<a ",
        "<a>",
        "<a b=\"",
        "<a b=\"c\" ",
        "<password>",
        "<password><![CDATA[",
        "<password>x</password>",
        "<key>password",
        "</a>",
        "<password>x<b>",
        "<password><!--",
        "<password><!-- x -->",
        "<![CDATA[",
        "<![CDATA[</",
        "<![CDATA[x]]>",
        "<a b=c>",
        "<a b=c/></a>",
        "</a>--password ",
        "<name>password</name><value>x</value>",
        "<secrets>x",
        "sshpass -p ",
        "mongo -p \\\n",
        "<a></b>",
    ] {
        ends(|times| {
            let text = part.repeat(times * 6_000 / part.len());
            let ended = format!("{text}{}", ")".repeat(times * 3_000));
            json!({"a": text, "password": [text], "auth": ended, text: 1})
        });
    }
}

#[test]
fn elements_within_each_other() {
    for tag in ["secrets", "value", "name", "key", "a"] {
        ends(|times| {
            let (open, close) = (format!("<{tag}>x"), format!("x</{tag}>"));
            json!({"a": format!("{}{}", open.repeat(times * 500), close.repeat(times * 500))})
        });
    }
}

#[test]
fn keys_that_are_secrets_and_keys_that_are_long() {
    let redacted = ends(|times| {
        let map: Map<String, Value> = (0..times * 500)
            .map(|index| (format!("ghp_{index:030}a"), json!(index)))
            .collect();
        json!({"env": map})
    });
    let names = redacted["env"].as_object().unwrap();
    assert_eq!(names.len(), 8 * 500, "each under a name of its own");
    assert!(names.keys().all(|name| name.starts_with("[REDACTED]")));
    ends(|times| json!({"k".repeat(times * 10_000): vec![json!("a"); times * 1_000]}));
    let mut document = json!({"k".repeat(300): {"password": "x9!"}});
    let warnings = redact(&mut document).unwrap();
    assert_eq!(warnings[0].path, format!("{}….password", "k".repeat(200)));
}
