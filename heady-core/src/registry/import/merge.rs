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
    let mut conflicts = Vec::new();
    let entry = merged(base, Some(ours), Some(theirs), "", &mut conflicts);
    Merged {
        entry: entry.unwrap_or_default(),
        conflicts,
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
    if let (Some(Value::Object(base)), Some(Value::Object(ours)), Some(Value::Object(theirs))) =
        (base, ours, theirs)
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
}
