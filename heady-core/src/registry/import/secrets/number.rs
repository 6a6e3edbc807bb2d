//! Numbers and durations under the keys of secrets: most of them measure something.

use serde_json::Value;

use super::key::last_word;

/// From which number on one may be a secret; a smaller one counts something.
const LEAST_SECRET: f64 = 100.0;

/// How many bits keys have.
const BITS: [i64; 11] = [128, 160, 192, 256, 384, 512, 521, 1024, 2048, 3072, 4096];

/// Last words of keys below which numbers and durations measure something: `ttl: {password: 3600}`.
const MEASURES: [&str; 26] = [
    "ttl",
    "ttls",
    "expiry",
    "expiration",
    "expires",
    "lifetime",
    "lifetimes",
    "timeout",
    "timeouts",
    "age",
    "rotation",
    "limit",
    "limits",
    "quota",
    "quotas",
    "count",
    "counts",
    "length",
    "lengths",
    "size",
    "sizes",
    "usage",
    "metrics",
    "days",
    "hours",
    "seconds",
];

const UNITS: [&str; 18] = [
    "ms", "s", "sec", "second", "seconds", "m", "min", "minute", "minutes", "h", "hour", "hours",
    "d", "day", "days", "w", "weeks", "months",
];

/// Whether a number under this key of a secret, in what is under another key, is the secret.
pub(super) fn is_secret(value: &Value, key: &str, parent: &str) -> bool {
    let Some(number) = value.as_f64() else {
        return false;
    };
    let bits = || value.as_i64().is_some_and(|number| BITS.contains(&number));
    let is_size = last_word(key) == "key" && bits();
    number.abs() >= LEAST_SECRET && !is_size && !measures(parent)
}

/// Whether what stands under this key measures something.
pub(super) fn measures(key: &str) -> bool {
    MEASURES.contains(&last_word(key).as_str())
}

/// How long something lasts: `15m`, `24 hours`.
pub(super) fn is_duration(text: &str) -> bool {
    let text = text.trim();
    let unit = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let digits = text.len() - unit.len();
    (1..=5).contains(&digits) && UNITS.contains(&unit.trim_start())
}
