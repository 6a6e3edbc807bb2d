//! Entries that were changed by call and in their document since the last import.

use serde_json::{Map, Value};

use super::catalog::path_of;

/// What an entry comes to that two sides changed: every field as the side has it that changed it.
///
/// # Errors
/// The fields that both changed, each in its own way.
pub(super) fn merge(base: &Value, ours: &Value, theirs: &Value) -> Result<Value, Vec<String>> {
    let mut conflicts = Vec::new();
    let merged = merged(Some(base), Some(ours), Some(theirs), "", &mut conflicts);
    if conflicts.is_empty() {
        Ok(merged.unwrap_or_default())
    } else {
        Err(conflicts)
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
    None
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
        assert_eq!(merge(&base, &ours, &theirs), Ok(both.clone()));
        assert_eq!(merge(&base, &theirs, &ours), Ok(both));
        for side in [&base, &ours] {
            assert_eq!(merge(&base, &ours, side), Ok(ours.clone()));
        }
    }

    #[test]
    fn what_both_changed_is_named() {
        let base = json!({"port": 1, "slo": {"p50": 1}, "gone": 1, "same": 1});
        let ours = json!({"port": 2, "slo": {"p50": 2}, "gone": 2, "same": 2, "new": 1});
        let theirs = json!({"port": 3, "slo": {"p50": 3}, "same": 2, "new": 2});
        let conflicts = merge(&base, &ours, &theirs).unwrap_err();
        assert_eq!(conflicts, ["gone", "new", "port", "slo.p50"]);
    }
}
