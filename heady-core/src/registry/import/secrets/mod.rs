//! Secrets that found their way into a registry file are taken out before anything is stored.
//!
//! Two things give a secret away: the key it stands under, and the form that a well-known issuer gives its tokens. What
//! is taken out is named by its path in a warning, never by its value. Placeholders (`${NAME}`) and names of variables
//! are no secrets.

mod text;

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

/// How longer keys of this kind end: `DB_PASSWORD`, `openaiApiKey`.
const SECRET_ENDINGS: [&str; 8] = [
    "password",
    "apikey",
    "clientsecret",
    "accesstoken",
    "privatekey",
    "secretkey",
    "accountkey",
    "accesskey",
];

/// Objects whose texts are secrets, whatever their keys.
const SECRET_OBJECTS: [&str; 2] = ["secrets", "credentials"];

/// Keys under which a text is a secret if it looks random; so are lists and objects under the plural of a secret's key.
const DOUBTFUL_KEYS: [&str; 4] = ["auth", "bearer", "cookie", "jwt"];

/// What the key over a text says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    None,
    /// It is a secret if it looks random.
    Doubtful,
    /// It is a secret unless it says where one is.
    Certain,
}

impl Secrecy {
    fn of(key: &str) -> Self {
        let singular = |key: &str| key.strip_suffix('s').is_some_and(is_secret_key);
        if is_secret_key(key) {
            Self::Certain
        } else if singular(&plain(key)) || DOUBTFUL_KEYS.contains(&plain(key).as_str()) {
            Self::Doubtful
        } else {
            Self::None
        }
    }

    fn takes(self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::Doubtful => text::is_literal(text) && text::looks_random(text),
            Self::Certain => text::is_literal(text),
        }
    }
}

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
    redaction.value(document, "", Secrecy::None)?;
    Ok(redaction.warnings)
}

struct Redaction {
    scanned: bool,
    warnings: Vec<Warning>,
}

impl Redaction {
    /// Goes through a value of which the key over it says this.
    fn value(&mut self, value: &mut Value, path: &str, secrecy: Secrecy) -> Result<()> {
        match value {
            Value::Object(map) => self.object(map, path, secrecy),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, &format!("{path}[{index}]"), secrecy)?;
                }
                Ok(())
            }
            Value::String(text) => {
                check_text(text, path)?;
                let redacted = if secrecy.takes(text) {
                    Some(REDACTED.to_owned())
                } else {
                    text::without_secrets(text)
                };
                if let Some(redacted) = redacted {
                    *text = redacted;
                    self.warn(path);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, path: &str, over: Secrecy) -> Result<()> {
        self.keys(map, path);
        // `{"name": "DB_PASSWORD", "value": …}`, as headers and environments are written.
        let named = ["name", "key"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str())
            .map_or(Secrecy::None, Secrecy::of);
        let all = path
            .rsplit('.')
            .next()
            .is_some_and(|name| SECRET_OBJECTS.contains(&name.to_lowercase().as_str()));
        for (key, value) in map {
            check_text(key, path)?;
            let key_path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let mut secrecy = Secrecy::of(key);
            if self.scanned && key == "preview" {
                secrecy = Secrecy::Certain;
            } else if secrecy == Secrecy::None && key == "value" {
                secrecy = named;
            }
            if secrecy == Secrecy::Certain && value.is_number() && plain(key).contains("passw") {
                *value = Value::String(REDACTED.to_owned());
                self.warn(&key_path);
            }
            if value.is_string() {
                if all {
                    secrecy = Secrecy::Certain;
                } else if secrecy == Secrecy::None && over == Secrecy::Doubtful {
                    secrecy = Secrecy::Doubtful;
                }
            }
            if value.is_object() && DOUBTFUL_KEYS.contains(&plain(key).as_str()) {
                secrecy = Secrecy::None;
            }
            self.value(value, &key_path, secrecy)?;
        }
        Ok(())
    }

    /// Takes secrets out of the keys themselves.
    fn keys(&mut self, map: &mut Map<String, Value>, path: &str) {
        let leaking: Vec<String> = map
            .keys()
            .filter(|key| text::without_secrets(key).is_some())
            .cloned()
            .collect();
        for key in leaking {
            let mut clean = text::without_secrets(&key).unwrap_or_default();
            while map.contains_key(&clean) {
                clean.push('#');
            }
            if let Some(value) = map.remove(&key) {
                map.insert(clean, value);
            }
            self.warn(path);
        }
    }

    fn warn(&mut self, path: &str) {
        let message =
            "looks like a secret and was not stored; name a variable instead, as in ${NAME}";
        self.warnings
            .push(Warning::new("SECRET_REDACTED", path, message));
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

/// A key in lower case and without separators.
fn plain(key: &str) -> String {
    key.chars()
        .filter(|char| !matches!(char, '_' | '-' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_secret_key(key: &str) -> bool {
    let key = plain(key);
    SECRET_KEYS.contains(&key.as_str()) || SECRET_ENDINGS.iter().any(|end| key.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
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
            "env": ["DB_PASSWORD=x9!", "PORT=80", "Server=db;Password=x9!;Database=d", "--api-key=x9!"],
            "headers": {"Authorization": "Bearer x9!"},
            "command": "curl -H 'Authorization: Bearer 0123456789abcdefX9'",
            "secrets": {"anything": "x9!"}, "dollar": {"password": "$x9!"}, "pin": {"password": 9909},
        });
        let warnings = redact(&mut document).unwrap();
        let text = document.to_string();
        for secret in [
            "hunter2",
            "Ab3dE5",
            "w/rd",
            "abcdef123",
            "x9!",
            "MIIE",
            "X9",
            "990099",
        ] {
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
                "command",
                "db.url",
                "dollar.password",
                "env[0]",
                "env[2]",
                "env[3]",
                "headers.Authorization",
                "hook",
                "nested.DB_PASSWORD",
                "nested.auth.tokens[0]",
                "pem",
                "pin.password",
                "secrets.anything",
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
    fn secrets_in_lists_pairs_and_addresses_go_too() {
        let basic = BASE64.encode("user:hunter2x9");
        let mut document = json!({
            "tokens": ["a8Kd93kLs02Mx8zQ"], "secrets": ["a8Kd93kLs02Mx8zQ"], "accessTokens": {"ci": "a8Kd93kLs02Mx8zQ"},
            "env": [{"name": "DB_PASSWORD", "value": "a8Kd93kLs02Mx8zQ"}], "auth": "a8Kd93kLs02Mx8zQ",
            "headers": [{"key": "X-Api-Key", "value": "a8Kd93kLs02Mx8zQ"}], "note": format!("send Basic {basic}"),
            "slack": format!("https://hooks.slack.com/services/T0{}", "/a8Kd93kLs02Mx8zQ"),
            "telegram": format!("https://api.telegram.org/bot{}:a8Kd93kLs02Mx8zQ/send", 123_456),
        });
        assert_eq!(redact(&mut document).unwrap().len(), 9);
        let text = document.to_string();
        assert!(!text.contains("a8Kd93") && !text.contains(&basic), "{text}");
        assert_eq!(
            document["slack"],
            "https://hooks.slack.com/services/[REDACTED]"
        );
        assert!(redact(&mut document).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_secret_stays() {
        let document = json!({
            "apiKey": "${HEADY_API_KEY}", "token": "HEADY_TOKEN", "password": "", "secret": "required",
            "auth": {"token": "Bearer"}, "privateKey": "/run/secrets/key.pem", "preview": "A preview", "maxTokens": 4096,
            "db": "postgres://heady:${DB_PASSWORD}@db/heady", "plain": "postgres://db/heady", "key": "value",
            "repo": "https://github.com/HeadyMe/Heady", "mail": "someone@example.com", "model": "sk-learn-experiments-nightly",
            "npm": "https://registry.example/@heady/engine", "tokens": ["input", "output"], "clientSecret": "********",
            "header": {"Authorization": "Bearer ${TOKEN}"}, "env": ["PASSWORD=${DB_PASSWORD}"], "variable": {"token": "$TOKEN"},
            "auths": {"client": "heady-2-prod-client"}, "auth": {"client": "heady-2-prod-client", "scheme": "Basic auth"},
            "variables": [{"name": "DB_PASSWORD", "value": "${DB_PASSWORD}"}, {"name": "PORT", "value": "a8Kd93kLs02Mx8zQ"}],
            "docs": "https://hooks.slack.com/services/${SLACK_PATH}",
            "secrets": {"openai": "OPENAI_API_KEY"}, "needs": {"secrets": ["db-password"]}, "keyId": "primary", "a": "http://localhost:3301/@user",
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
    fn a_key_may_be_a_secret_too() {
        let mut document = json!({"tokens": {token("ghp_"): {"scope": "read"}, "[REDACTED]": 1}});
        let warnings = redact(&mut document).unwrap();
        assert_eq!((warnings.len(), warnings[0].path.as_str()), (1, "tokens"));
        assert_eq!(
            document,
            json!({"tokens": {"[REDACTED]": 1, "[REDACTED]#": {"scope": "read"}}})
        );
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
