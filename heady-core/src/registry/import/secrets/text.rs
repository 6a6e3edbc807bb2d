//! Secrets in texts: tokens by their beginnings, credentials of URLs and connection strings, assignments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::REDACTED;
use super::key::Secrecy;

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
];

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

/// How a text begins that says where a secret comes from.
const SOURCES: [&str; 9] = [
    "{{",
    "env:",
    "env.",
    "process.env",
    "secret://",
    "secrets.",
    "vault:",
    "op://",
    "file:",
];

/// Words before a credential in a header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

/// Whether the text under a secret's key is the secret itself, and not where it comes from.
pub(super) fn is_literal(text: &str) -> bool {
    let mut text = text.trim();
    for scheme in SCHEMES {
        if let Some((head, credential)) = text.split_at_checked(scheme.len())
            && head.eq_ignore_ascii_case(scheme)
        {
            text = credential.trim_start();
        }
    }
    let masked = text
        .chars()
        .all(|char| matches!(char, '*' | '•' | '.' | 'x' | 'X' | '-'));
    !(text.is_empty()
        || text.contains(REDACTED)
        || text.contains("${")
        || masked
        || is_variable(text)
        || is_path(text)
        || SOURCES.iter().any(|start| text.starts_with(start))
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
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
fn is_name(text: &str) -> bool {
    let is_word = |part: &str| {
        let word = part.trim_end_matches(|char: char| char.is_ascii_digit());
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        let same = |is: fn(&char) -> bool| word.chars().all(|char| is(&char));
        let cased = same(char::is_ascii_lowercase)
            || same(char::is_ascii_uppercase)
            || (first.chars().all(char::is_uppercase)
                && rest.chars().all(|char| char.is_ascii_lowercase()));
        part.len() <= 4 || (cased && part.len() - word.len() <= 4)
    };
    text.split(['-', '_', '.', ':', '/']).all(is_word)
}

/// Whether a text consists of words in lower case, as nobody makes a token: `rbac`, `same-origin`.
pub(super) fn is_phrase(text: &str) -> bool {
    let is_word = |word: &str| {
        (2..=12).contains(&word.len()) && word.chars().all(|char| char.is_ascii_lowercase())
    };
    text.trim().split(['-', '_', ' ']).all(is_word)
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
        || between('<', '>').is_some()
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

fn begins_like_a_token(word: &str) -> bool {
    TOKENS
        .iter()
        .any(|(start, least)| word.len() >= *least && word.starts_with(start))
        || NAME_LIKE_TOKENS.iter().any(|start| {
            let rest = word.strip_prefix(start);
            rest.is_some_and(|rest| word.len() >= 20 && !is_name(rest))
        })
}

/// The text without the secrets in it, or `None` if there are none.
pub(super) fn without_secrets(text: &str) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some(REDACTED.to_owned());
    }
    let mut clean = String::with_capacity(text.len());
    let mut last = "";
    for word in text.split_inclusive(char::is_whitespace) {
        let credential = (last.eq_ignore_ascii_case("bearer")
            && word.trim_end().len() >= 16
            && is_literal(word))
            || (last.eq_ignore_ascii_case("basic") && is_basic(word.trim_end()));
        if credential {
            clean.push_str(REDACTED);
            clean.push_str(&word[word.trim_end().len()..]);
        } else {
            let word = without_assignments(&without_secret_path(&without_credentials(word)));
            clean.push_str(&without_tokens(&word));
        }
        last = word.trim();
    }
    (clean != text).then_some(clean)
}

/// Whether this is what stands behind `Basic` in a header (RFC 7617): a name and a password, encoded.
fn is_basic(word: &str) -> bool {
    let decoded = BASE64.decode(word.trim_end_matches(['"', '\'', ',']));
    decoded.is_ok_and(|decoded| decoded.contains(&b':'))
}

/// Addresses that are a secret by themselves, up to where that begins.
const SECRET_ADDRESSES: [&str; 4] = [
    "://hooks.slack.com/services/",
    "://discord.com/api/webhooks/",
    "://discordapp.com/api/webhooks/",
    "://api.telegram.org/bot",
];

/// An address without the secret that its path is.
fn without_secret_path(word: &str) -> String {
    for address in SECRET_ADDRESSES {
        if let Some(start) = word.find(address) {
            let (address, path) = word.split_at(start + address.len());
            let end = path
                .find(|char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '?' | '#'))
                .unwrap_or(path.len());
            if is_literal(&path[..end]) {
                return format!("{address}{REDACTED}{}", &path[end..]);
            }
        }
    }
    word.to_owned()
}

/// A word without the tokens of well-known issuers; a name such as `sk-learn-experiments-nightly` is none.
fn without_tokens(word: &str) -> String {
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

/// A word without the values that are assigned to keys of secrets: `--api-key=…`, `Server=x;Password=…`, `?token=…`.
fn without_assignments(word: &str) -> String {
    const SEPARATORS: [char; 5] = ['?', '&', ';', ',', '#'];
    word.split_inclusive(SEPARATORS)
        .map(|part| {
            let assigned = part.trim_end_matches(SEPARATORS).trim_end();
            match assigned.split_once('=') {
                Some((name, value)) if is_assigned(name, value, word) => {
                    format!("{name}={REDACTED}{}", &part[assigned.len()..])
                }
                _ => part.to_owned(),
            }
        })
        .collect()
}

/// Whether what is assigned to this name is a secret; in a URL, so are keys and signatures.
fn is_assigned(name: &str, value: &str, word: &str) -> bool {
    let name = name.trim_start_matches(|char: char| !char.is_ascii_alphanumeric());
    let parameter = word.contains("://") && SECRET_PARAMETERS.contains(&name);
    Secrecy::of(name).takes(value) || parameter && is_literal(value)
}

/// A URL without its password.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let (credentials, host) = rest.split_at(credentials_end(rest));
    match credentials.split_once(':') {
        Some((user, password)) if is_literal(password) => {
            format!("{scheme}://{user}:{REDACTED}{host}")
        }
        _ => word.to_owned(),
    }
}

/// How long the credentials at the start of a URL's rest are. A password may have a slash in it that nobody encoded.
fn credentials_end(rest: &str) -> usize {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let has_port = |(_, port): (&str, &str)| port.chars().all(|char| char.is_ascii_digit());
    let is_host = authority.starts_with('[') || authority.rsplit_once(':').is_none_or(has_port);
    if authority.contains('@') || !is_host {
        rest.rfind('@').unwrap_or(0)
    } else {
        0
    }
}
