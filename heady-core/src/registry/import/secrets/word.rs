//! Secrets in one word of a text: tokens by their beginnings, and what is assigned to the name of a secret.

use super::REDACTED;
use super::key::Secrecy;
use super::literal::{is_literal, is_name, is_phrase};
use super::reference::is_reference;

/// How tokens begin that are told from names such as `sk-learn-experiments-2024` by what follows.
const NAME_LIKE_TOKENS: [&str; 6] = ["sk-", "pplx-", "gsk_", "xai-", "hf_", "r8_"];

/// How tokens of well-known issuers begin, and how long they are at least, the beginning included.
const TOKENS: &[(&str, usize)] = &[
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("rk_test_", 20),
    ("whsec_", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("gldt-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("xoxs-", 20),
    ("xapp-", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("ya29.", 20),
    ("GOCSPX-", 20),
    ("npm_", 36),
    ("pypi-", 40),
    ("dop_v1_", 40),
    ("SG.", 40),
    ("ntn_", 30),
    ("secret_", 40),
    ("rnd_", 20),
    ("dckr_pat_", 20),
    ("eyJ", 60),
];

/// Parameters of a URL that authorize.
const SECRET_PARAMETERS: [&str; 3] = ["key", "sig", "signature"];

/// What ends a value that is in no quotes.
const SEPARATORS: [char; 5] = ['?', '&', ';', ',', '#'];

pub(super) const QUOTES: [char; 3] = ['"', '\'', '`'];

/// The most of a value that is looked at to tell what it is, so that many of them in one another take no longer.
const MOST: usize = 512;

pub(super) fn begins_like_a_token(word: &str) -> bool {
    TOKENS
        .iter()
        .any(|(start, least)| word.len() >= *least && word.starts_with(start))
        || NAME_LIKE_TOKENS.iter().any(|start| {
            let rest = word.strip_prefix(start);
            rest.is_some_and(|rest| word.len() >= 20 && !is_name(rest))
        })
}

/// A word without the tokens of well-known issuers; a name such as `sk-learn-experiments-nightly` is none.
pub(super) fn without_tokens(word: &str) -> String {
    let token = |part: &str| {
        let random = part.chars().any(|char| char.is_ascii_digit())
            && part.chars().any(|char| char.is_ascii_alphabetic());
        random && begins_like_a_token(part)
    };
    let mut clean = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let inside = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.');
        let (part, after) = rest.split_at(rest.find(|char| !inside(char)).unwrap_or(rest.len()));
        clean.push_str(if token(part) { REDACTED } else { part });
        let (between, after) = after.split_at(after.find(inside).unwrap_or(after.len()));
        clean.push_str(between);
        rest = after;
    }
    clean
}

/// A word without the values that are assigned to keys of secrets: `--api-key=…`, `Server=x;Password=…`, `?token=…`,
/// `"apiKey":"…"`. With it comes the quote that the last value began with, if the word ends before the value does.
pub(super) fn without_assignments(word: &str) -> (String, Option<char>) {
    if is_reference(word.trim_matches(|char| QUOTES.contains(&char) || char == ',')) {
        return (word.to_owned(), None);
    }
    let in_url = word.contains("://");
    let last = word.rfind(['=', ':']);
    let mut clean = String::with_capacity(word.len());
    let (mut copied, mut name, mut at) = (0, 0, 0);
    // Where a value that is in no quotes ends, and what it stands in.
    let (mut value_end, mut part_end) = (0, 0);
    while let Some(found) =
        word[at..].find(|char| char == '=' || char == ':' || SEPARATORS.contains(&char))
    {
        let sign = at + found;
        at = sign + 1;
        if matches!(word.as_bytes()[sign], b'=' | b':') {
            if part_end < at || last == Some(sign) {
                // Behind the last sign there is no other part, and these may be in the value.
                let end = if last == Some(sign) && !in_url {
                    word.trim_end_matches(SEPARATORS).len().max(at)
                } else {
                    word[at..]
                        .find(SEPARATORS)
                        .map_or(word.len(), |end| at + end)
                };
                value_end = at + without_end(&word[at..end]).len();
                part_end = end;
            }
            let value = Span::of(word, at, value_end);
            let told = word.as_bytes()[sign] == b'=' || value.quoted;
            if is_assigned(
                &word[name..sign],
                &word[value.start..value.end],
                told,
                in_url,
            ) {
                clean.push_str(&word[copied..value.start]);
                clean.push_str(REDACTED);
                if let Some(quote) = value.open {
                    return (clean, Some(quote));
                }
                (copied, at) = (value.end, value.end);
            }
        }
        name = at;
    }
    clean.push_str(&word[copied..]);
    (clean, None)
}

/// Where a value stands in a word.
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    quoted: bool,
    /// The quote that it begins with, if the word ends before the value does.
    pub(super) open: Option<char>,
}

impl Span {
    /// The value that begins here: up to its closing quote, or to this end.
    pub(super) fn of(word: &str, start: usize, end: usize) -> Self {
        // Within another text, quotes are escaped.
        let value = word[start..].trim_start_matches('\\');
        let Some(quote) = value.chars().next().filter(|char| QUOTES.contains(char)) else {
            return Self {
                start,
                end: end.max(start),
                quoted: false,
                open: None,
            };
        };
        let start = word.len() - value.len() + 1;
        let closed = word[start..].find(quote);
        let value = &word[start..closed.map_or(word.len(), |length| start + length)];
        Self {
            start,
            end: start + value.trim_end_matches('\\').len(),
            quoted: true,
            open: closed.is_none().then_some(quote),
        }
    }
}

/// Whether what is assigned to this name is a secret; in a URL, so are keys and signatures. A word behind a colon alone is
/// what something is of, as in `secret:db`.
fn is_assigned(name: &str, value: &str, told: bool, in_url: bool) -> bool {
    let value = start(value);
    let name = name.trim_start_matches(|char: char| !char.is_ascii_alphanumeric());
    let parameter = in_url && told && SECRET_PARAMETERS.contains(&name);
    let user = told && matches!(name, "user" | "proxy-user") && has_password(value);
    Secrecy::of(name).takes(value) && !opens_template(value) && (told || !is_phrase(value))
        || parameter && is_literal(value)
        || user
}

/// A value without the quotes and brackets behind it that do not belong to it.
pub(super) fn without_end(value: &str) -> &str {
    let closing = [('(', ')'), ('[', ']'), ('{', '}')]
        .map(|(open, close)| (!value.contains(open)).then_some(close));
    value.trim_end_matches(|char| QUOTES.contains(&char) || closing.contains(&Some(char)))
}

/// Where the value ends that a word ends with, without what stands behind it in a text.
pub(super) fn end_of_value(word: &str) -> usize {
    let end = without_end(word).trim_end_matches([',', ';']);
    without_end(end).len()
}

/// Whether a value is the first word of a placeholder with spaces in it, as in `{{ name }}`.
pub(super) fn opens_template(value: &str) -> bool {
    (value.starts_with("{{") || value.starts_with("${{")) && !value.contains("}}")
}

/// The start of a value by which it is told.
pub(super) fn start(value: &str) -> &str {
    &value[..value.floor_char_boundary(MOST)]
}

/// Whether this is a user with a password, as in `curl --user bob:…`; two numbers are a user with a group.
pub(super) fn has_password(text: &str) -> bool {
    text.split_once(':').is_some_and(|(user, password)| {
        let number = |text: &str| text.chars().all(|char| char.is_ascii_digit());
        !(user.contains('/') || number(user) && number(password)) && is_literal(password)
    })
}
