//! Secrets that found their way into a registry file are taken out before anything is stored.
//!
//! Two things give a secret away: the key it stands under, and the form that a well-known issuer gives its tokens. What
//! is taken out is named by its path in a warning, never by its value. Placeholders (`${NAME}`) and names of variables
//! are no secrets.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::types::Warning;

/// What stands where a secret stood.
const REDACTED: &str = "[REDACTED]";

/// Keys under which a text is a secret, in lower case and without separators.
const SECRET_KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secretkey",
    "secretaccesskey",
    "clientsecret",
    "token",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "bearertoken",
    "idtoken",
    "sessiontoken",
    "personalaccesstoken",
    "pat",
    "apikey",
    "apisecret",
    "apitoken",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "webhooksecret",
    "authorization",
    "connectionstring",
    "credential",
    "credentials",
    "valuepreview",
];

/// Words that stand under such keys and say how something is authorized, not with what.
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
];

/// How tokens of well-known issuers begin, and how long they are at least, the beginning included.
const TOKENS: &[(&str, usize)] = &[
    ("sk-", 20),
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("rk_test_", 20),
    ("whsec_", 20),
    ("pplx-", 20),
    ("gsk_", 20),
    ("xai-", 20),
    ("hf_", 20),
    ("r8_", 20),
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
const SECRET_PARAMETERS: &[&str] = &["key", "sig", "signature"];

/// Takes the secrets out of a document.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the path of a text with the character U+0000, which no database keeps as text.
pub(super) fn redact(document: &mut Value) -> Result<Vec<Warning>> {
    // The store of the scanner keeps the beginnings of values under this name; anywhere else it is a harmless word.
    let scanned =
        document.get("entries").is_some_and(Value::is_object) && document.get("meta").is_some();
    let mut redaction = Redaction {
        scanned,
        warnings: Vec::new(),
    };
    redaction.value(document, "", None)?;
    Ok(redaction.warnings)
}

struct Redaction {
    scanned: bool,
    warnings: Vec<Warning>,
}

impl Redaction {
    fn value(&mut self, value: &mut Value, path: &str, key: Option<&str>) -> Result<()> {
        match value {
            Value::Object(map) => self.object(map, path),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, &format!("{path}[{index}]"), key)?;
                }
                Ok(())
            }
            Value::String(text) => {
                check_text(text, path)?;
                let redacted = if key.is_some_and(|key| self.is_secret_key(key)) && is_literal(text)
                {
                    Some(REDACTED.to_owned())
                } else {
                    without_secrets(text)
                };
                if let Some(redacted) = redacted {
                    *text = redacted;
                    let message = "looks like a secret and was not stored; name a variable instead, as in ${NAME}";
                    self.warnings
                        .push(Warning::new("SECRET_REDACTED", path, message));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, path: &str) -> Result<()> {
        for (key, value) in map {
            check_text(key, path)?;
            let key_path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            self.value(value, &key_path, Some(key))?;
        }
        Ok(())
    }

    fn is_secret_key(&self, key: &str) -> bool {
        let plain: String = key
            .chars()
            .filter(|char| !matches!(char, '_' | '-' | ' ' | '.'))
            .flat_map(char::to_lowercase)
            .collect();
        SECRET_KEYS.contains(&plain.as_str())
            || (self.scanned && plain == "preview")
            || [
                "password",
                "apikey",
                "clientsecret",
                "accesstoken",
                "privatekey",
            ]
            .iter()
            .any(|end| plain.ends_with(end))
    }
}

fn check_text(text: &str, path: &str) -> Result<()> {
    if text.contains('\0') {
        let place = if path.is_empty() { "a key" } else { path };
        return Err(Error::invalid_argument(format!(
            "{place}: has the character U+0000, which is no text"
        )));
    }
    Ok(())
}

/// How a text begins that says where a secret comes from.
const SOURCES: [&str; 14] = [
    "$",
    "{{",
    "<",
    "%",
    "env:",
    "env.",
    "process.env",
    "secret://",
    "secrets.",
    "vault:",
    "op://",
    "file:",
    "/",
    "./",
];

/// Whether the text under a secret's key is the secret itself, and not where it comes from.
fn is_literal(text: &str) -> bool {
    let text = text.trim();
    let variable = text
        .chars()
        .all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_')
        && text.contains('_')
        && !begins_like_a_token(text);
    let masked = text
        .chars()
        .all(|char| matches!(char, '*' | '•' | '.' | 'x' | 'X' | '-'));
    !(text.is_empty()
        || text.contains(REDACTED)
        || variable
        || masked
        || SOURCES.iter().any(|start| text.starts_with(start))
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

fn begins_like_a_token(word: &str) -> bool {
    TOKENS
        .iter()
        .any(|(start, least)| word.len() >= *least && word.starts_with(start))
}

/// The text without the secrets in it, or `None` if there are none.
fn without_secrets(text: &str) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some(REDACTED.to_owned());
    }
    let mut result = without_credentials(text);
    let part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.');
    let current = result.as_deref().unwrap_or(text).to_owned();
    let tokens: Vec<&str> = current
        .split(|char| !part(char))
        .filter(|word| is_token(word))
        .collect();
    if !tokens.is_empty() {
        let mut clean = current.clone();
        for token in tokens {
            clean = clean.replace(token, REDACTED);
        }
        result = Some(clean);
    }
    result
}

/// Whether a word is the token of a well-known issuer; a name such as `sk-learn-experiments-nightly` is none.
fn is_token(word: &str) -> bool {
    let random = word.chars().any(|char| char.is_ascii_digit())
        && word.chars().any(|char| char.is_ascii_alphabetic());
    random && begins_like_a_token(word)
}

/// A URL without its password and without the parameters that authorize, or `None` if it has neither.
fn without_credentials(text: &str) -> Option<String> {
    let mut clean = String::new();
    let mut changed = false;
    for word in text.split_inclusive(char::is_whitespace) {
        let (word, changed_here) = url_without_credentials(word);
        clean.push_str(&word);
        changed |= changed_here;
    }
    changed.then_some(clean)
}

fn url_without_credentials(word: &str) -> (String, bool) {
    let Some((scheme, rest)) = word.split_once("://") else {
        return (word.to_owned(), false);
    };
    let mut changed = false;
    let (credentials, host) = rest.split_at(credentials_end(rest));
    let credentials = match credentials.split_once(':') {
        Some((user, password)) if is_literal(password) => {
            changed = true;
            format!("{user}:{REDACTED}")
        }
        _ => credentials.to_owned(),
    };
    let (host, query) = host.split_once('?').unwrap_or((host, ""));
    let parameters: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) if authorizes(name) && is_literal(value) => {
                changed = true;
                format!("{name}={REDACTED}")
            }
            _ => parameter.to_owned(),
        })
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", parameters.join("&"))
    };
    (
        if changed {
            format!("{scheme}://{credentials}{host}{query}")
        } else {
            word.to_owned()
        },
        changed,
    )
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

fn authorizes(parameter: &str) -> bool {
    let redaction = Redaction {
        scanned: false,
        warnings: Vec::new(),
    };
    SECRET_PARAMETERS.contains(&parameter) || redaction.is_secret_key(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A token of this beginning, put together here so that no scanner takes this file for a leak.
    fn token(start: &str) -> String {
        format!("{start}{}", "Ab3dE5".repeat(12))
    }

    #[test]
    fn secrets_go_and_their_paths_stay() {
        let mut document = json!({
            "services": [{"id": "a", "apiKey": "hunter2", "note": format!("use {} here", token("ghp_"))}],
            "db": {"url": "postgres://heady:p@ss:w/rd@db.example:5432/heady?sslmode=require"},
            "hook": "https://h.example/x?token=abcdef123&page=2",
            "nested": {"auth": {"tokens": [token("sk-ant-")]}, "DB_PASSWORD": "x9!"},
            "pem": "-----BEGIN PRIVATE KEY-----\nMIIE",
        });
        let warnings = redact(&mut document).unwrap();
        let text = document.to_string();
        for secret in ["hunter2", "Ab3dE5", "w/rd", "abcdef123", "x9!", "MIIE"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert_eq!(
            document["db"]["url"],
            "postgres://heady:[REDACTED]@db.example:5432/heady?sslmode=require"
        );
        assert_eq!(
            document["hook"],
            "https://h.example/x?token=[REDACTED]&page=2"
        );
        assert_eq!(document["services"][0]["note"], "use [REDACTED] here");
        let paths: Vec<_> = warnings
            .iter()
            .map(|warning| warning.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "db.url",
                "hook",
                "nested.DB_PASSWORD",
                "nested.auth.tokens[0]",
                "pem",
                "services[0].apiKey",
                "services[0].note"
            ]
        );
        assert!(
            warnings
                .iter()
                .all(|warning| !warning.message.contains("hunter2"))
        );
        assert!(
            redact(&mut document).unwrap().is_empty(),
            "there is nothing left to take out"
        );
    }

    #[test]
    fn what_is_no_secret_stays() {
        let document = json!({
            "apiKey": "${HEADY_API_KEY}", "token": "HEADY_TOKEN", "password": "", "secret": "required",
            "auth": {"token": "Bearer"}, "privateKey": "/run/secrets/key.pem", "preview": "A preview", "maxTokens": 4096,
            "db": "postgres://heady:${DB_PASSWORD}@db/heady", "plain": "postgres://db/heady", "key": "value",
            "repo": "https://github.com/HeadyMe/Heady", "mail": "someone@example.com", "model": "sk-learn-experiments-nightly",
            "npm": "https://registry.example/@heady/engine", "tokens": ["input", "output"], "clientSecret": "********",
            "key": "abc", "keyId": "primary", "a": "http://localhost:3301/@user",
        });
        let mut after = document.clone();
        assert_eq!(redact(&mut after).unwrap(), []);
        assert_eq!(after, document);
    }

    #[test]
    fn the_beginnings_that_the_scanner_keeps_go_too() {
        let mut document = json!({
            "entries": {"env:KEY": {"type": "env", "valuePreview": "abcd1234", "preview": "efgh"}},
            "meta": {"scanCount": 3},
        });
        assert_eq!(redact(&mut document).unwrap().len(), 2);
        let mut elsewhere =
            json!({"services": [{"id": "a", "valuePreview": "abcd1234", "preview": "stays"}]});
        assert_eq!(redact(&mut elsewhere).unwrap().len(), 1);
        assert_eq!(elsewhere["services"][0]["preview"], "stays");
    }

    #[test]
    fn a_null_character_is_refused() {
        for document in [json!({"a": ["x\0y"]}), json!({"a\0": 1})] {
            assert_eq!(
                redact(&mut document.clone()).unwrap_err().code(),
                "INVALID_ARGUMENT"
            );
        }
    }
}
