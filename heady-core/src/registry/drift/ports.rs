//! The ports that a service of a Compose file publishes, in the short and the long syntax of the Compose specification.

use serde_json::Value;

/// The ports of the machine on which a service can be reached: numbers, and ranges as `3000-3005`. None if one of them
/// cannot be told, such as one that only the environment knows: it might be any.
pub(super) fn published(ports: &Value) -> Option<Vec<Value>> {
    ports.as_array()?.iter().map(one).collect()
}

/// One entry: `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, or `{target: 80, published: 8080}`. Without a port of the machine
/// it is any free one; that of the container is the one that is known then.
fn one(port: &Value) -> Option<Value> {
    match port {
        Value::Object(long) => {
            let said = |key: &str| long.get(key).filter(|value| !is_empty(value));
            range(said("published").or_else(|| said("target"))?)
        }
        Value::String(short) if !short.contains('$') => {
            let short = short.split('/').next()?;
            let mut parts = short.rsplit(':');
            let container = parts.next()?;
            let machine = parts.next().filter(|machine| !machine.is_empty());
            range(&machine.unwrap_or(container).into())
        }
        short => range(short),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// A port, or a range of them, as it is kept.
fn range(value: &Value) -> Option<Value> {
    let (first, last) = bounds(value)?;
    Some(if first == last {
        first.into()
    } else {
        format!("{first}-{last}").into()
    })
}

fn bounds(value: &Value) -> Option<(u16, u16)> {
    if let Some(port) = number(value) {
        return Some((port, port));
    }
    let (first, last) = value.as_str()?.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Whether what [`published`] gave has this port in it.
pub(super) fn covers(range: &Value, port: u16) -> bool {
    bounds(range).is_some_and(|(first, last)| (first..=last).contains(&port))
}

/// A port that is written as a number or as a text.
pub(super) fn number(value: &Value) -> Option<u16> {
    let port = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    port.filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_are_understood_in_every_syntax_of_compose() {
        for (port, expected) in [
            (json!("3302"), json!(3302)),
            (json!(3302), json!(3302)),
            (json!("3302:80"), json!(3302)),
            (json!("3302:80/tcp"), json!(3302)),
            (json!("127.0.0.1:3302:80"), json!(3302)),
            (json!("127.0.0.1:3302:80/udp"), json!(3302)),
            (json!("[::1]:3302:80"), json!(3302)),
            (json!("127.0.0.1::80"), json!(80)),
            (json!("3000-3005:80-85"), json!("3000-3005")),
            (json!("127.0.0.1:3000-3005:80"), json!("3000-3005")),
            (json!({"target": 80, "published": 3302}), json!(3302)),
            (
                json!({"target": 80, "published": "3302", "protocol": "tcp"}),
                json!(3302),
            ),
            (
                json!({"target": 80, "published": "3000-3005"}),
                json!("3000-3005"),
            ),
            (json!({"target": 80, "host_ip": "::1"}), json!(80)),
            (json!({"target": 80, "published": ""}), json!(80)),
        ] {
            assert_eq!(published(&json!([port])), Some(vec![expected]), "{port}");
        }
    }

    #[test]
    fn what_may_be_any_port_is_not_guessed() {
        for port in [
            json!("${PORT}:80"),
            json!("${PORT:-3302}:80"),
            json!({"target": 80, "published": "${PORT}"}),
            json!("3005-3000:80"),
            json!("70000:80"),
            json!(0),
            json!(null),
        ] {
            assert_eq!(published(&json!(["3301:80", port])), None, "{port}");
        }
        assert_eq!(published(&json!(null)), None);
    }

    #[test]
    fn a_range_has_its_ends_in_it() {
        for (port, covered) in [(2999, false), (3000, true), (3005, true), (3006, false)] {
            assert_eq!(covers(&json!("3000-3005"), port), covered, "{port}");
        }
        assert!(covers(&json!(3000), 3000) && !covers(&json!(3000), 3001));
    }
}
