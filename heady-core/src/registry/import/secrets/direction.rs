//! Phrases under the keys of secrets that say where one is or how it comes there: `see the vault`, `stored in 1Password`,
//! `not required`. Nobody makes a passphrase that begins so and goes on in plain words.

use super::literal::{is_cased, is_word};

/// The most words of such a phrase.
const MOST: usize = 12;

/// What is done with a secret, before a word such as `in` or `by`.
const DONE: [&str; 21] = [
    "stored",
    "kept",
    "saved",
    "held",
    "set",
    "provided",
    "supplied",
    "managed",
    "injected",
    "read",
    "loaded",
    "taken",
    "comes",
    "generated",
    "defined",
    "configured",
    "created",
    "hashed",
    "encrypted",
    "rotated",
    "mounted",
];
const HOW: [&str; 10] = [
    "in", "by", "via", "at", "from", "on", "with", "through", "as", "per",
];

/// What is not done with one.
const NOT_DONE: [&str; 10] = [
    "required",
    "set",
    "used",
    "needed",
    "stored",
    "configured",
    "applicable",
    "available",
    "logged",
    "yet",
];

/// Where one is; behind `see`, this is enough.
const PLACES: [&str; 15] = [
    "vault",
    "wiki",
    "docs",
    "readme",
    "runbook",
    "keychain",
    "environment",
    "env",
    "above",
    "below",
    "owner",
    "ops",
    "admin",
    "bitwarden",
    "1password",
];

/// Whether a text says where a secret is, and not what it is.
pub(super) fn is_direction(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(MOST + 1).collect();
    let [first, second, rest @ ..] = words.as_slice() else {
        return false;
    };
    let (first, second) = (first.to_lowercase(), bare(second).to_lowercase());
    let (first, second) = (first.as_str(), second.as_str());
    let begins = match first {
        "see" | "ask" => !rest.is_empty() || PLACES.contains(&second),
        "not" | "never" => NOT_DONE.contains(&second),
        "to" => second == "be" && !rest.is_empty(),
        "same" => second == "as" && !rest.is_empty(),
        "in" | "from" => PLACES.contains(&second) || second == "the" && !rest.is_empty(),
        done => DONE.contains(&done) && HOW.contains(&second) && !rest.is_empty(),
    };
    begins && words.len() <= MOST && words.iter().all(|word| is_plain(bare(word)))
}

fn bare(word: &str) -> &str {
    word.trim_matches(['(', ')', ',', '.', ':', ';', '"', '\''])
}

/// Whether this is a word as sentences have them, the name of a place or a path: nothing that could be a secret itself.
fn is_plain(word: &str) -> bool {
    let parts = || {
        word.split(['/', '-', '_', '.'])
            .filter(|part| !part.is_empty())
    };
    let letters = |part: &str| part.chars().all(|char| char.is_ascii_alphabetic());
    is_word(word)
        || PLACES.iter().any(|place| word.eq_ignore_ascii_case(place))
        || word.len() <= 40
            && parts().all(|part| part.len() <= 15 && letters(part) && is_cased(part))
}
