//! Places in an entry: a key within a key, for people and as what tells two findings apart.

use std::collections::BTreeSet;

use serde_json::Value;

/// The keys that lead to a place; none for the whole.
pub(super) type Place<'v> = Vec<&'v str>;

/// A place at which two values differ, and what stands there in each.
pub(super) type Difference<'v> = (Place<'v>, Option<&'v Value>, Option<&'v Value>);

/// A place as text: `slo.target`, and `log."a.b"` where a dot belongs to a key, so that no two places are written alike.
pub(super) fn text(place: &[&str]) -> String {
    let quoted = |key: &str| {
        key.is_empty() || key.contains(|c: char| c == '.' || c == '"' || c.is_control())
    };
    let keys: Vec<String> = place
        .iter()
        .map(|key| {
            if quoted(key) {
                Value::from(*key).to_string()
            } else {
                (*key).to_owned()
            }
        })
        .collect();
    keys.join(".")
}

/// The innermost places at which two values differ, but for keys that are `ignored`. Lists are compared as a whole.
pub(super) fn differences<'v>(
    desired: &'v Value,
    observed: &'v Value,
    ignored: &[&str],
) -> Vec<Difference<'v>> {
    let mut found = Vec::new();
    collect(desired, observed, ignored, &mut Vec::new(), &mut found);
    found
}

fn collect<'v>(
    desired: &'v Value,
    observed: &'v Value,
    ignored: &[&str],
    place: &mut Place<'v>,
    found: &mut Vec<Difference<'v>>,
) {
    let (Value::Object(wanted), Value::Object(there)) = (desired, observed) else {
        if desired != observed {
            found.push((place.clone(), Some(desired), Some(observed)));
        }
        return;
    };
    let keys: BTreeSet<&str> = wanted
        .keys()
        .chain(there.keys())
        .map(String::as_str)
        .filter(|key| !ignored.contains(key))
        .collect();
    for key in keys {
        place.push(key);
        match (wanted.get(key), there.get(key)) {
            (Some(wanted), Some(there)) => collect(wanted, there, ignored, place, found),
            (wanted, there) => found.push((place.clone(), wanted, there)),
        }
        place.pop();
    }
}

/// The value at a place.
pub(super) fn at<'v>(value: &'v Value, place: &[&str]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_written_as_people_read_it() {
        for (place, expected) in [
            (&[][..], ""),
            (&["slo", "target"], "slo.target"),
            (&["log", "a.b"], r#"log."a.b""#),
            (&["log.a", "b"], r#""log.a".b"#),
            (&["", "x"], r#""".x"#),
            (&["say \"no\""], r#""say \"no\"""#),
            (&["with space/and~more"], "with space/and~more"),
        ] {
            assert_eq!(text(place), expected);
        }
    }

    #[test]
    fn a_key_with_a_dot_is_no_key_within_a_key() {
        let (old, new) = (
            json!({"log.level": 1, "log": {"level": 2}, "": 3}),
            json!({"log.level": 4, "log": {"level": 5}, "": 6}),
        );
        let found = differences(&new, &old, &[]);
        let told: Vec<_> = found
            .iter()
            .map(|(place, wanted, there)| {
                format!("{} {} {}", text(place), wanted.unwrap(), there.unwrap())
            })
            .collect();
        assert_eq!(told, [r#""" 6 3"#, "log.level 5 2", r#""log.level" 4 1"#]);
        for (place, wanted, there) in &found {
            assert_eq!((at(&new, place), at(&old, place)), (*wanted, *there));
        }
    }

    proptest! {
        #[test]
        fn no_two_places_are_written_alike(
            one in prop::collection::vec(r#"[ab.\\"\n]{0,3}"#, 0..4),
            other in prop::collection::vec(r#"[ab.\\"\n]{0,3}"#, 0..4),
        ) {
            let keys = |place: &[String]| text(&place.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(one == other, keys(&one) == keys(&other));
        }
    }
}
