//! Whether a text is a secret itself, or says where one is, what it is called, or how something is authorized.

use std::borrow::Cow;

use super::REDACTED;
use super::direction::is_direction;
use super::key::Secrecy;
use super::reference::{is_chord, is_header, is_reference};
use super::word::begins_like_a_token;

/// Words that stand under keys of secrets and say how something is authorized, not with what.
const WORDS: &[&str] = &[
    "none",
    "null",
    "true",
    "false",
    "yes",
    "no",
    "required",
    "optional",
    "bearer",
    "basic",
    "jwt",
    "oauth",
    "oauth2",
    "env",
    "environment",
    "vault",
    "keychain",
    "apikey",
    "api-key",
    "api_key",
    "token",
    "password",
    "secret",
    "authorization",
    "cookie",
    "redacted",
    "hidden",
    "masked",
    "unset",
    "missing",
    "present",
    "set",
    "enabled",
    "disabled",
    "default",
    "managed",
    "external",
    "string",
    "text",
    "number",
    "boolean",
    "argon2",
    "argon2id",
    "bcrypt",
    "scrypt",
    "pbkdf2",
];

/// Algorithms of signatures, with which a phrase names a kind of token: `JWT (RS256)`.
const ALGORITHMS: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256",
    "PS512", "EdDSA", "Ed25519",
];

/// How a text begins that says where a secret comes from.
const SOURCES: [&str; 11] = [
    "env:",
    "env.",
    "process.env",
    "secret://",
    "secrets.",
    "vault:",
    "op://",
    "sm://",
    "gcp-sm://",
    "aws-sm://",
    "file:",
];

/// How a placeholder says where its value comes from: `${env:NAME}`. Behind any other colon stands what it is by default.
const PLACES: [&str; 10] = [
    "env", "file", "secret", "secrets", "vault", "ssm", "sops", "self", "opt", "cf",
];

/// Words before a credential in a header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

/// What is literal in a text under the key of a secret: the secret itself, if it does not say where that comes from. A
/// placeholder excuses what it stands for, and nothing beside it.
pub(super) fn literal(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let Some(rest) = without_placeholders(text) else {
        return (!is_excused(without_scheme(text))).then_some(Cow::Borrowed(text));
    };
    let bare = without_scheme(rest.trim()).trim_matches(|char: char| !char.is_alphanumeric());
    (!is_excused(bare) && !is_filled_in(text)).then(|| Cow::Owned(rest.trim().to_owned()))
}

/// Whether the text under a secret's key is the secret itself, and not where it comes from.
pub(super) fn is_literal(text: &str) -> bool {
    literal(text).is_some()
}

pub(super) fn without_scheme(text: &str) -> &str {
    let mut text = text;
    for scheme in SCHEMES {
        if let Some((head, credential)) = text.split_at_checked(scheme.len())
            && head.eq_ignore_ascii_case(scheme)
        {
            text = credential.trim_start();
        }
    }
    text
}

/// Whether this is a word before a credential in a header.
pub(super) fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "token", "digest", "apikey", "negotiate"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn is_excused(text: &str) -> bool {
    let masked = text
        .chars()
        .all(|char| matches!(char, '*' | '•' | '.' | 'x' | 'X' | '-'));
    let source = SOURCES.iter().find_map(|start| text.strip_prefix(start));
    masked
        || is_variable(text)
        || is_path(text)
        || is_header(text)
        || is_reference(text)
        || is_chord(text)
        || source.is_some_and(|name| !name.trim_start().contains(char::is_whitespace))
        || is_word(text)
        || is_direction(text)
}

pub(super) fn is_word(text: &str) -> bool {
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What is left of a text besides its placeholders, or `None` if it has none. What a placeholder is by default is left.
fn without_placeholders(text: &str) -> Option<String> {
    let mut left = String::new();
    let mut found = false;
    let mut rest = text;
    while let Some(start) = rest.find(['[', '$', '{']) {
        let (before, mark) = rest.split_at(start);
        left.push_str(before);
        // One that has no end is none, and so is every other that follows it.
        let close = |start: &str, end: &'static str| {
            let inner = mark.strip_prefix(start)?;
            Some(
                inner
                    .find(end)
                    .map(|at| (&inner[..at], &inner[at + end.len()..])),
            )
        };
        if let Some(after) = mark.strip_prefix(REDACTED) {
            (found, rest) = (true, after);
            continue;
        }
        match close("${{", "}}")
            .or_else(|| close("{{", "}}"))
            .or_else(|| close("${", "}"))
        {
            Some(Some((inner, after))) => {
                left.push_str(by_default(inner));
                (found, rest) = (true, after);
            }
            Some(None) => {
                rest = mark;
                break;
            }
            None => {
                let (mark, after) = mark.split_at(1);
                left.push_str(mark);
                rest = after;
            }
        }
    }
    left.push_str(rest);
    found.then_some(left)
}

/// What a placeholder stands for if nothing is set: `hunter2` in `${DB_PASSWORD:-hunter2}`.
fn by_default(inner: &str) -> &str {
    if inner.contains("||") || inner.contains("??") || inner.contains("default") {
        return inner;
    }
    match inner.split_once(':') {
        Some((place, _)) if PLACES.contains(&place.trim()) => "",
        // A message, or what stands there if something is set.
        Some((_, rest)) if rest.starts_with(['?', '+']) => "",
        Some((_, rest)) => rest.trim_start_matches(['-', '=']),
        None => "",
    }
}

/// Whether a placeholder stands in a text just where a secret would: in the credentials of a URL, or as a value.
fn is_filled_in(text: &str) -> bool {
    let is_placeholder = |text: &str| {
        without_placeholders(text).is_some_and(|rest| !rest.contains(char::is_alphanumeric))
    };
    let credentials = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
    credentials.is_some_and(|(_, password)| is_placeholder(password))
        || text.split([';', '&', '?', ',']).any(|part| {
            part.split_once('=').is_some_and(|(name, value)| {
                Secrecy::of(name) >= Secrecy::Likely && is_placeholder(value)
            })
        })
}

/// Whether a text looks as if nobody thought of it: of some length, with letters and digits, and no name.
pub(super) fn looks_random(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 8
        && !text.contains(char::is_whitespace)
        && text.chars().any(|char| char.is_ascii_digit())
        && text.chars().any(|char| char.is_ascii_alphabetic())
        && !is_name(text)
}

/// Whether a text consists of words and small numbers, as names do: `research-node-01`, `claude-4o-2024`.
pub(super) fn is_name(text: &str) -> bool {
    let is_word = |part: &str| {
        let word = part.trim_end_matches(|char: char| char.is_ascii_digit());
        let oauth = part.split_at_checked(6).is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case("oauth2")
                && rest.chars().all(|char| char.is_ascii_alphabetic())
        });
        part.len() <= 4 || oauth || (is_cased(word) && part.len() - word.len() <= 4)
    };
    text.split(['-', '_', '.', ':', '/']).all(is_word)
}

/// Whether a word is written as words are: `word`, `Word` or `WORD`.
pub(super) fn is_cased(word: &str) -> bool {
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    let same = |is: fn(&char) -> bool| word.chars().all(|char| is(&char));
    same(char::is_ascii_lowercase)
        || same(char::is_ascii_uppercase)
        || (first.chars().all(char::is_uppercase)
            && rest.chars().all(|char| char.is_ascii_lowercase()))
}

/// Whether a text consists of words, as nobody makes a token: `rbac`, `same-origin`, `Role-Based Access Control`.
pub(super) fn is_phrase(text: &str) -> bool {
    let text = text.trim();
    let lower = |word: &str| {
        (2..=12).contains(&word.len()) && word.chars().all(|char| char.is_ascii_lowercase())
    };
    let words = || text.split(['-', '_', ' ']);
    words().all(lower)
        || (text.contains(['-', '_', ' '])
            && without_scheme(text).len() == text.len()
            && words().all(|word| is_ordinary(word, true))
            && words().any(|word| is_ordinary(word, false)))
}

/// Whether a word of a phrase is one that is written or spoken; an acronym or a number only counts beside others.
fn is_ordinary(word: &str, beside: bool) -> bool {
    let word = word.trim_matches(['(', ')', ',', '.', ':', '/']);
    let letters = word.chars().all(|char| char.is_ascii_alphabetic());
    let acronym = letters && word.len() <= 5 && word.chars().all(|char| char.is_ascii_uppercase());
    let number = word.len() <= 3
        && word
            .chars()
            .all(|char| char.is_ascii_digit() || char == '.');
    let spoken = letters && word.len() <= 15 && is_cased(word) && !acronym;
    is_word(word)
        || spoken && (beside || word.len() >= 4)
        || beside && (acronym || number || ALGORITHMS.contains(&word))
}

/// Whether this is one word, as a sentence has them.
pub(super) fn is_spoken(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', ',', '.']);
    let rest = word.strip_prefix(|char: char| char.is_ascii_alphabetic());
    rest.is_some_and(|rest| rest.len() < 15 && rest.chars().all(|char| char.is_ascii_lowercase()))
}

/// `HEADY_TOKEN`, `$TOKEN`, `%TOKEN%`, `<token>`.
fn is_variable(text: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_')
    };
    let between = |start: char, end: char| {
        text.strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
    };
    (name(text) && text.contains('_') && !begins_like_a_token(text))
        || text.strip_prefix('$').is_some_and(name)
        || between('%', '%').is_some_and(name)
        || between('<', '>').is_some_and(|name| !name.contains(['<', '>']))
}

/// The path of a file that holds a secret; a random text that begins with a slash has capitals and digits.
fn is_path(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|char| is(&char));
    (text.starts_with('/') || text.starts_with("./") || text.starts_with("~/"))
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '/' | '.' | '-' | '_' | '~'))
        && !(has(char::is_ascii_uppercase) && has(char::is_ascii_digit))
}
