//! Integers of more than 64 bits, which JSON has and nothing here keeps: the parser makes floats of them without a word.

/// Whether a number that was read as a float may have been written as such an integer.
pub(super) fn may_be_large(float: f64) -> bool {
    float >= 18_446_744_073_709_551_616.0 || float <= -9_223_372_036_854_775_808.0
}

/// How many floats of that size stand in a JSON text before the first one that is written as an integer.
pub(super) fn first_large(text: &str) -> Option<usize> {
    let in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = text.as_bytes();
    let (mut at, mut before) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let rest = &bytes[at..];
                let length = rest.iter().take_while(|byte| in_number(byte)).count();
                let number = &text[at..at + length];
                if is_large(number) {
                    if !number.contains(['.', 'e', 'E']) {
                        return Some(before);
                    }
                    before += 1;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

fn is_large(number: &str) -> bool {
    let float = number.parse::<f64>();
    float.is_ok_and(may_be_large)
        && number.parse::<i64>().is_err()
        && number.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::super::parse_json;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn refused(text: &str) -> String {
        let error = parse_json(text).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        error.message().to_owned()
    }

    #[test]
    fn an_integer_that_would_be_rounded_is_refused_by_its_place() {
        for (text, place) in [
            (r#"{"a": {"b": [0, 18446744073709551616]}}"#, "a.b[1]: "),
            (r#"{"a": -9223372036854775809}"#, "a: "),
            (
                r#"{"x": 1e30, "y": [-2.5e40, 1E+20], "z": 123456789012345678901234567890}"#,
                "z: ",
            ),
            (
                r#"{"\"1": "\\", "k": "99999999999999999999", "a": [99999999999999999999]}"#,
                "a[0]: ",
            ),
            ("99999999999999999999", "send "),
        ] {
            let why = refused(text);
            assert!(
                why.starts_with(&format!("not readable as JSON: {place}")),
                "{why}"
            );
            assert!(
                why.contains("integer as a text") && why.contains("stands at line 1"),
                "{why}"
            );
        }
    }

    #[test]
    fn whatever_else_is_a_number_is_read() {
        let read = parse_json(
            r#"[18446744073709551615, -9223372036854775808, 1e20, 18446744073709551616.0, -1e19, "99999999999999999999", -0]"#,
        );
        let expected = json!([
            u64::MAX,
            i64::MIN,
            1e20,
            18_446_744_073_709_551_616.0,
            -1e19,
            "99999999999999999999",
            -0.0
        ]);
        assert_eq!(read.unwrap(), expected);
    }

    /// A number as somebody may write it, and whether it is an integer that is too large.
    fn number() -> impl Strategy<Value = (String, bool)> {
        prop_oneof![
            any::<i128>().prop_map(|n| {
                let fits = i64::try_from(n).is_ok() || u64::try_from(n).is_ok();
                (n.to_string(), !fits)
            }),
            any::<i64>().prop_map(|n| (n.to_string(), false)),
            (any::<i64>(), 0..60).prop_map(|(n, e)| (format!("{n}e{e}"), false)),
            any::<u64>().prop_map(|n| (format!("\"{n}{n}\""), false)),
        ]
    }

    proptest! {
        /// The place that is named is that of the first such number, whatever stands before it.
        #[test]
        fn the_first_is_named(numbers in proptest::collection::vec(number(), 0..12)) {
            let texts: Vec<&str> = numbers.iter().map(|(text, _)| text.as_str()).collect();
            let read = parse_json(&format!("[{}]", texts.join(",")));
            match numbers.iter().position(|(_, is_large)| *is_large) {
                Some(first) => {
                    let why = read.unwrap_err();
                    prop_assert!(why.message().contains(&format!(": [{first}]: ")), "{}", why);
                }
                None => {
                    let read = read.unwrap();
                    let length = read.as_array().map(Vec::len);
                    prop_assert_eq!(length, Some(numbers.len()));
                    prop_assert!(read.as_array().unwrap().iter().all(|item| *item != Value::Null));
                }
            }
        }
    }
}
