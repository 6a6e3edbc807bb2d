//! The reading of texts, and what is said of those that cannot be read.

use super::*;
use serde_json::json;

#[test]
fn words_of_yaml_1_1_stay_words() {
    let value = parse_yaml("speed: on\nno: yes\nold: 012\nbig: 1_000\n1: x\n").unwrap();
    assert_eq!(
        value,
        json!({"speed": "on", "no": "yes", "old": "012", "big": "1_000", "1": "x"})
    );
}

#[test]
fn a_broken_text_names_line_and_column() {
    let yaml = parse_yaml("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert_eq!(yaml.details().unwrap()["line"], 3);
    let json = parse_json("{\"a\": 1,\n \"b\": }").unwrap_err();
    assert_eq!(
        (
            &json.details().unwrap()["line"],
            &json.details().unwrap()["column"]
        ),
        (&json!(2), &json!(7))
    );
    let twice = parse_json("{\"a\": 1, \"a\": 2}").unwrap_err();
    assert!(twice.message().contains("'a' stands here twice"), "{twice}");
    assert!(
        parse_json("{} {}").unwrap_err().details().is_some(),
        "a second document is not dropped"
    );
    let twice = parse_yaml("a: 1\na: 2\n").unwrap_err();
    assert!(
        twice
            .message()
            .ends_with("duplicate mapping key: a at line 2, column 1"),
        "{twice}"
    );
}

#[test]
fn keys_that_are_equal_once_they_are_texts_are_repeated() {
    let error = parse_yaml("services:\n  1: {port: 1}\n  \"1\": {port: 2}\n").unwrap_err();
    assert!(error.message().contains("'1' stands here twice"), "{error}");
    assert!(error.details().unwrap()["line"].is_u64(), "{error}");
}

#[test]
fn repeated_keys_are_noted_with_their_place_where_they_are_allowed() {
    let noted = |text| {
        let (value, repeated) = parse_repeated(text).unwrap();
        let places = repeated.into_iter();
        let places = places.map(|place| (place.object, place.path, place.same));
        (value, places.collect::<Vec<_>>())
    };
    let (value, places) =
        noted(r#"{"a/b": [{"x": 1, "x": 2, "y": 0}], "t": {"k": {}, "k": {}, "k": 1}}"#);
    assert_eq!(value, json!({"a/b": [{"x": 2, "y": 0}], "t": {"k": 1}}));
    let place = |object: &str, path: &str, same| (object.to_owned(), path.to_owned(), same);
    let expected = [
        place("a~1b/0", "a/b[0].x", false),
        place("t", "t.k", true),
        place("t", "t.k", false),
    ];
    assert_eq!(places, expected);
    let (value, places) = noted("s:\n  1: {p: 1}\n  \"1\": {p: 2}\n  a: 1\n  a: 1\n");
    assert_eq!(value, json!({"s": {"1": {"p": 2}, "a": 1}}));
    let expected = [place("s", "s.1", false), place("s", "s.a", true)];
    assert_eq!(places, expected);
    // What a merge brings is overridden, not repeated.
    let (value, places) = noted("b: &b {x: 1, y: 1}\nc:\n  <<: *b\n  x: 2\n");
    assert_eq!(value["c"], json!({"x": 2, "y": 1}));
    assert_eq!(places, []);
}

#[test]
fn errors_are_told_to_whoever_wrote_the_text() {
    for text in ["~: x\n", "a: 1\n---\nb: 2\n", "a: !!binary x\n"] {
        let error = parse_yaml(text).unwrap_err();
        for advice in ["Option", "from_str", "budget"] {
            assert!(!error.message().contains(advice), "{error}");
        }
        assert!(error.details().is_some(), "{error}");
    }
    let many = format!("a: [{}]", "1,".repeat(300_000));
    let error = parse_yaml(&many).unwrap_err();
    assert!(
        error.message().contains("than a document may have"),
        "{error}"
    );
    for text in ["// a comment\n{}", "{\n  /* a */ \"a\": 1}", "{} // end"] {
        let error = parse_json(text).unwrap_err();
        assert!(error.message().contains("JSON has no comments"), "{error}");
    }
    let error = parse_repeated("{\"a\":\n \"\\u0000\"}").unwrap_err();
    assert_eq!(error.details().unwrap()["line"], 2);
    assert!(error.message().contains("U+0000"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_a_document_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registry.json");
    let refused = async |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        read(&file).await.unwrap_err()
    };
    let latin = refused(b"{\n \"n\": \"caf\xe9\"}").await;
    assert!(
        latin
            .message()
            .ends_with("not a UTF-8 text, at line 2 column 11"),
        "{latin}"
    );
    assert_eq!(latin.details().unwrap()["column"], 11);
    let wide = refused(b"\xff\xfe{\0}\0").await;
    assert!(wide.message().contains("UTF-16"), "{wide}");
    let empty = refused(b" \r\n").await;
    assert!(empty.message().contains("nothing stands there"), "{empty}");
    // A terabyte, of which no more is read than it takes to refuse it.
    std::fs::File::create(&file)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    assert_eq!(read(&file).await.unwrap_err().code(), "RESOURCE_EXHAUSTED");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let folder = read(&file).await.unwrap_err();
    assert!(
        folder
            .message()
            .ends_with("this is a folder; name a file in it")
    );
}

#[test]
fn equal_numbers_hash_equally() {
    assert_eq!(
        hash(&json!({"b": [1, 2.0], "a": {"x": 1e3}})),
        hash(&json!({"a": {"x": 1000}, "b": [1.0, 2]}))
    );
    assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": 1.5})));
    assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": "1"})));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = level - 1;
        text += &format!(
            "a{level}: &a{level} [{}]\n",
            vec![format!("*a{last}"); 10].join(", ")
        );
    }
    let error = parse_yaml(&text).unwrap_err();
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    assert!(
        error.message().contains("than a document may have"),
        "{error}"
    );
}
