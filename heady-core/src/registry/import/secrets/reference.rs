//! What stands under the key of a secret and is told by its form to be none: names of headers, where a manager of secrets
//! keeps one, keys that are pressed together.

use super::literal::is_cased;

/// Keys that are pressed with another one.
const MODIFIERS: [&str; 12] = [
    "ctrl",
    "control",
    "alt",
    "option",
    "shift",
    "cmd",
    "command",
    "cmdorctrl",
    "commandorcontrol",
    "meta",
    "super",
    "win",
];

/// How the names of headers end that carry a secret.
const HEADER_ENDS: [&str; 6] = [
    "key",
    "token",
    "secret",
    "auth",
    "authorization",
    "signature",
];

/// The name of the header that a secret is sent in: `X-Api-Key`.
pub(super) fn is_header(text: &str) -> bool {
    let name = text.strip_prefix("X-").or_else(|| text.strip_prefix("x-"));
    name.is_some_and(|name| {
        let mut words = name.split('-');
        let last = words.clone().next_back().unwrap_or_default();
        HEADER_ENDS.iter().any(|end| last.eq_ignore_ascii_case(end))
            && words
                .all(|word| word.chars().all(|char| char.is_ascii_alphabetic()) && is_cased(word))
    })
}

/// Where a manager of secrets keeps one: `projects/p/secrets/db/versions/latest`, `arn:aws:secretsmanager:…`.
pub(super) fn is_reference(text: &str) -> bool {
    let is_plain = |char: char| {
        char.is_ascii_alphanumeric()
            || matches!(char, '/' | ':' | '-' | '_' | '.' | '+' | '=' | '@' | '*')
    };
    let parts: Vec<&str> = text.split('/').take(7).collect();
    let google = match parts[..] {
        ["projects", project, "secrets", name] => !project.is_empty() && !name.is_empty(),
        ["projects", _, "secrets", _, "versions", version] => {
            version == "latest" || version.chars().all(|char| char.is_ascii_digit())
        }
        _ => false,
    };
    let arn: Vec<&str> = text.splitn(6, ':').collect();
    let amazon = matches!(
        arn[..],
        ["arn", _, "secretsmanager" | "ssm" | "kms", _, _, _]
    );
    (google || amazon) && text.chars().all(is_plain)
}

/// Keys that are pressed together: `Alt+Shift+H`.
pub(super) fn is_chord(text: &str) -> bool {
    let Some((modifiers, key)) = text.rsplit_once('+') else {
        return false;
    };
    let is_modifier = |part: &str| {
        MODIFIERS
            .iter()
            .any(|name| part.trim().eq_ignore_ascii_case(name))
    };
    let key = key.trim();
    let function = key
        .strip_prefix('F')
        .is_some_and(|number| number.parse::<u8>().is_ok_and(|number| number <= 24));
    let named = [
        "Enter",
        "Tab",
        "Space",
        "Escape",
        "Esc",
        "Delete",
        "Backspace",
        "Home",
        "End",
    ];
    modifiers.split('+').all(is_modifier)
        && (key.chars().count() == 1 || function || named.contains(&key))
}
