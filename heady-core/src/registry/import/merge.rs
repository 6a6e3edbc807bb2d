//! Entries that were changed by call and in their document since the last import.

use serde_json::{Map, Value};

use super::catalog::path_of;

/// What an entry comes to that two sides changed.
#[derive(Debug, PartialEq)]
pub(super) struct Merged {
    /// Every field as the side has it that changed it; as ours where both did.
    pub(super) entry: Value,
    /// The fields that both changed, each in its own way; the empty path for the whole of it.
    pub(super) conflicts: Vec<String>,
}

/// Takes the changes of both sides since `base`; without one nobody knows what they changed.
pub(super) fn merge(base: Option<&Value>, ours: &Value, theirs: &Value) -> Merged {
    if base.is_none() && ours != theirs {
        return Merged {
            entry: ours.clone(),
            conflicts: vec![String::new()],
        };
    }
    let mut conflicts = Vec::new();
    let entry = merged(base, Some(ours), Some(theirs), "", &mut conflicts);
    Merged {
        entry: entry.unwrap_or_default(),
        conflicts,
    }
}

/// The places at which an entry says what the other does not: something else, or something where the other says nothing.
pub(super) fn otherwise(entry: &Value, other: &Value) -> Vec<String> {
    let mut places = Vec::new();
    collect_otherwise(entry, other, "", &mut places);
    places
}

fn collect_otherwise(entry: &Value, other: &Value, path: &str, places: &mut Vec<String>) {
    if let (Value::Object(entry), Value::Object(other)) = (entry, other) {
        for (key, value) in entry {
            let path = path_of(key, path);
            match other.get(key) {
                Some(other) => collect_otherwise(value, other, &path, places),
                None => places.push(path),
            }
        }
    } else if entry != other {
        places.push(path.to_owned());
    }
}

fn merged(
    base: Option<&Value>,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    path: &str,
    conflicts: &mut Vec<String>,
) -> Option<Value> {
    if theirs == base || theirs == ours {
        return ours.cloned();
    }
    if ours == base {
        return theirs.cloned();
    }
    let nothing = Map::new();
    let base_object = match base {
        // Where both begin an object they may have put different things into it.
        None => Some(&nothing),
        Some(base) => base.as_object(),
    };
    if let (Some(base), Some(Value::Object(ours)), Some(Value::Object(theirs))) =
        (base_object, ours, theirs)
    {
        let mut map = Map::new();
        for key in ours
            .keys()
            .chain(theirs.keys().filter(|key| !ours.contains_key(*key)))
        {
            let path = path_of(key, path);
            let (base, ours, theirs) = (base.get(key), ours.get(key), theirs.get(key));
            if let Some(value) = merged(base, ours, theirs, &path, conflicts) {
                map.insert(key.clone(), value);
            }
        }
        return Some(Value::Object(map));
    }
    conflicts.push(path.to_owned());
    ours.cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_side_keeps_what_it_alone_changed() {
        let base =
            json!({"id": "a", "port": 1, "slo": {"p50": 1, "p95": 2}, "old": true, "gone": 1});
        let ours = json!({"id": "a", "port": 2, "slo": {"p50": 1, "p95": 3}, "old": true, "new": {"x": 1}});
        let theirs =
            json!({"id": "a", "port": 1, "slo": {"p50": 9, "p95": 2}, "gone": 1, "note": "n"});
        let both = json!({"id": "a", "port": 2, "slo": {"p50": 9, "p95": 3}, "new": {"x": 1}, "note": "n"});
        let without_conflict = |entry: &Value| Merged {
            entry: entry.clone(),
            conflicts: vec![],
        };
        assert_eq!(merge(Some(&base), &ours, &theirs), without_conflict(&both));
        assert_eq!(merge(Some(&base), &theirs, &ours), without_conflict(&both));
        for side in [&base, &ours] {
            assert_eq!(merge(Some(&base), &ours, side), without_conflict(&ours));
        }
    }

    #[test]
    fn what_both_changed_is_named_and_stays_ours() {
        let base = json!({"port": 1, "slo": {"p50": 1}, "gone": 1, "lost": 1, "same": 1});
        let ours = json!({"port": 2, "slo": {"p50": 2}, "gone": 2, "same": 2, "new": 1});
        let theirs = json!({"port": 3, "slo": {"p50": 3, "p95": 4}, "lost": 2, "same": 2, "new": 2, "note": "n"});
        let Merged {
            entry,
            mut conflicts,
        } = merge(Some(&base), &ours, &theirs);
        conflicts.sort();
        assert_eq!(conflicts, ["gone", "lost", "new", "port", "slo.p50"]);
        let stays = json!({"port": 2, "slo": {"p50": 2, "p95": 4}, "gone": 2, "same": 2, "new": 1, "note": "n"});
        assert_eq!(entry, stays);
        let unknown = merge(None, &ours, &theirs);
        assert_eq!(
            (unknown.entry, unknown.conflicts),
            (ours.clone(), vec![String::new()])
        );
        assert_eq!(merge(None, &ours, &ours).conflicts, [""; 0]);
    }

    #[test]
    fn what_both_began_is_merged_within() {
        let ours = json!({"env": {"a": 1, "log": {"level": 2}}, "list": [1]});
        let theirs = json!({"env": {"b": 1, "log": {"level": 3, "to": "x"}}, "list": [2]});
        let Merged { entry, conflicts } = merge(Some(&json!({})), &ours, &theirs);
        assert_eq!(conflicts, ["env.log.level", "list"]);
        let both = json!({"env": {"a": 1, "b": 1, "log": {"level": 2, "to": "x"}}, "list": [1]});
        assert_eq!(entry, both);
        assert_eq!(otherwise(&theirs, &both), ["env.log.level", "list"]);
        assert_eq!(
            otherwise(&both, &theirs),
            ["env.a", "env.log.level", "list"]
        );
        assert_eq!(otherwise(&ours, &both), [""; 0]);
    }
}
