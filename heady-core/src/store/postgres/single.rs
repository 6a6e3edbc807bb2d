//! A statement that writes one row, without the arrays that it needs for many.

use std::ops::Range;

/// The text that is handed values where `text` is handed arrays of one value each at these places; `None` if it does more
/// with one of them than `unnest` it and count it.
pub(super) fn single(text: &str, is_array: impl Fn(usize) -> bool) -> Option<String> {
    let mut single = String::with_capacity(text.len());
    let mut rest = 0;
    for (dollar, _) in text.match_indices('$') {
        let Some((place, end)) = number(text, dollar + 1) else {
            continue;
        };
        if !is_array(place) {
            continue;
        }
        let kind = kind(text, end)?;
        let (before, after) = (&text[rest..dollar], kind.end + "[])".len());
        if let Some(before) = before.strip_suffix("unnest(") {
            single += before;
            single += &text[dollar..kind.end];
        } else {
            single += before.strip_suffix("cardinality(")?;
            single.push('1');
        }
        rest = after;
    }
    single += &text[rest..];
    Some(single)
}

/// The number that begins there, and where it ends.
fn number(text: &str, begin: usize) -> Option<(usize, usize)> {
    let digits = text[begin..].bytes().take_while(u8::is_ascii_digit);
    let end = begin + digits.count();
    Some((text[begin..end].parse().ok()?, end))
}

/// Where the type stands, of an array in parentheses that is cast there.
fn kind(text: &str, cast: usize) -> Option<Range<usize>> {
    let name = text[cast..].strip_prefix("::")?;
    let length = name.find(|c: char| !c.is_ascii_alphanumeric())?;
    let end = cast + "::".len() + length;
    text[end..].starts_with("[])").then_some(cast..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_written_without_arrays() {
        let single = |text: &str| single(text, |place| place != 2);
        let many = "INSERT INTO t SELECT unnest($1::text[])::uuid, $2, unnest($10::int8[]), '$' LIMIT cardinality($1::text[])";
        let one = "INSERT INTO t SELECT $1::text::uuid, $2, $10::int8, '$' LIMIT 1";
        assert_eq!(single(many).as_deref(), Some(one));
        assert_eq!(
            single("SELECT unnest($2::text[])").as_deref(),
            Some("SELECT unnest($2::text[])")
        );
        for other in [
            "SELECT $1",
            "SELECT $1::text[]",
            "SELECT id = ANY($1::text[])",
            "SELECT unnest($1::text[], $3::text[])",
            "SELECT unnest($1)",
        ] {
            assert_eq!(single(other), None, "{other}");
        }
    }
}
