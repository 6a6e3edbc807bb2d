//! What a key says about the text under it.

use super::literal::{is_phrase, literal, looks_random, without_scheme};
use super::number::is_duration;

/// How much a key gives the text under it away as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secrecy {
    None,
    /// It is a secret if it looks random.
    Doubtful,
    /// It is a secret unless it says where one is, how something is authorized or how long.
    Likely,
    /// It is a secret unless it says where one is.
    Certain,
}

/// How keys of secrets end, in lower case and without separators.
const CERTAIN: [&str; 17] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passphrases",
    "passcode",
    "secret",
    "secretstring",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "valuepreview",
];

/// The same for keys over which a word may stand, such as `authorization: role-based`.
const LIKELY: [&str; 5] = [
    "token",
    "credential",
    "credentials",
    "authorization",
    "connectionstring",
];

/// Last words of keys under which a text is a secret if it looks random.
const DOUBTFUL_WORDS: [&str; 8] = [
    "auth", "bearer", "cookie", "jwt", "key", "pass", "pw", "psw",
];

/// Words before `key` that say that it is none to keep.
const OPEN_KEYS: [&str; 8] = [
    "public",
    "publishable",
    "primary",
    "foreign",
    "partition",
    "sort",
    "cache",
    "group",
];

/// Words behind the name of a secret that say how it is written: `private_key_pem`, `SECRET_KEY_BASE`.
const CARRIERS: [&str; 11] = [
    "value", "preview", "pem", "base64", "b64", "hex", "raw", "text", "plain", "base", "header",
];

/// Last words of a secret's name that say which one it is: `DB_PASSWORD_PROD`, `apiKeyOld`, and numbers.
const QUALIFIERS: [&str; 27] = [
    "prod",
    "production",
    "live",
    "test",
    "testing",
    "dev",
    "development",
    "old",
    "new",
    "staging",
    "stage",
    "sandbox",
    "qa",
    "uat",
    "ci",
    "local",
    "main",
    "primary",
    "secondary",
    "backup",
    "fallback",
    "current",
    "previous",
    "next",
    "default",
    "legacy",
    "v",
];

/// What a key is of that is called `key` and no more.
const KEYS_OF: [&str; 6] = [
    "api",
    "encryption",
    "private",
    "secret",
    "signing",
    "master",
];

/// How the name of a secret ends, as its manager knows it: `heady-db-password`.
const NAME_ENDS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "key",
    "credential",
    "credentials",
    "pat",
];

/// Keys beside a secret whose texts say what it is for.
const DESCRIPTIVE: [&str; 42] = [
    "name",
    "id",
    "kid",
    "keyid",
    "type",
    "kind",
    "provider",
    "region",
    "scheme",
    "method",
    "mode",
    "source",
    "user",
    "username",
    "email",
    "scope",
    "role",
    "algorithm",
    "alg",
    "ttl",
    "issuer",
    "audience",
    "url",
    "uri",
    "endpoint",
    "host",
    "path",
    "file",
    "version",
    "policy",
    "description",
    "note",
    "status",
    "engine",
    "backend",
    "variable",
    "env",
    "owner",
    "format",
    "encoding",
    "expires",
    "rotation",
];

impl Secrecy {
    pub(super) fn of(key: &str) -> Self {
        let mut words = words(key);
        let mut previewed = false;
        while words.len() > 1
            && let Some(dropped) = words.pop_if(|word| is_carrier(word) || is_qualifier(word))
        {
            previewed |= dropped == "preview";
        }
        if let Some(last) = words.last_mut() {
            let name = last.trim_end_matches(|char: char| char.is_ascii_digit());
            last.truncate(name.len());
        }
        let name = words.concat();
        let last = words.last().map_or("", String::as_str);
        let ends = |ends: &[&str], name: &str| ends.iter().any(|end| name.ends_with(end));
        let is_one = |name: &str| ends(&CERTAIN, name) || ends(&LIKELY, name);
        // Short ones count as words of their own: `compass` is none.
        let short = last == "pwd" || matches!(last, "pass" | "pw" | "psw") && words.len() > 1;
        if ends(&CERTAIN, &name) || short || previewed && matches!(last, "key" | "value") {
            Self::Certain
        } else if ends(&LIKELY, &name) || last == "pat" {
            Self::Likely
        } else if is_doubtful(&words)
            || name.strip_suffix('s').is_some_and(is_one)
            || is_variable_of_a_secret(key, &words)
        {
            Self::Doubtful
        } else {
            Self::None
        }
    }

    /// The same of a key in what another one is of: in `encryption`, `key` is one to keep.
    pub(super) fn of_part(key: &str, parent: &str) -> Self {
        if !key.eq_ignore_ascii_case("key") {
            return Self::of(key);
        }
        match words(parent).last() {
            // An entry called so may have a key that is its name.
            Some(of) if of == "api" => Self::Likely,
            Some(of) if KEYS_OF.contains(&of.as_str()) => Self::Certain,
            _ => Self::of(key),
        }
    }

    /// The same of a key in an entry that has this id, if it only says how or which: in `api-key`, `pem` or `prod`.
    pub(super) fn of_form(key: &str, id: &str) -> Self {
        if words(key)
            .iter()
            .all(|word| is_carrier(word) || is_qualifier(word))
        {
            Self::of(id)
        } else {
            Self::None
        }
    }

    /// Whether a text under such a key is a secret.
    pub(super) fn takes(self, text: &str) -> bool {
        if self == Self::None {
            return false;
        }
        literal(text).is_some_and(|literal| match self {
            Self::None => false,
            Self::Doubtful => looks_random(without_scheme(&literal)),
            Self::Likely => !is_phrase(&literal) && !is_duration(&literal),
            Self::Certain => true,
        })
    }

    /// What this key, of which so much is known, says about the texts in an object under it, itself among others that say
    /// so much.
    pub(super) fn inside(self, key: &str, over: Self) -> Self {
        let words = words(key);
        match self {
            _ if words == ["secrets"] => Self::Certain,
            _ if is_plural_password(&words) => Self::Certain,
            Self::Certain | Self::Likely => over.max(Self::Likely),
            // `auth: {kid: …}` is no secret as a whole, `tokens: {ci: …}` has some.
            Self::Doubtful if is_doubtful(&words) => over,
            own => over.max(own),
        }
    }

    /// Whether a text among secrets is the name of the one under this key, as in `db: heady-db-password`.
    pub(super) fn is_named(key: &str, text: &str) -> bool {
        let mut name = text.split(['-', '_']);
        let last = name.next_back().unwrap_or_default();
        let is_word = |word: &str| {
            (2..=15).contains(&word.len()) && word.chars().all(|char| char.is_ascii_lowercase())
        };
        let key = words(key);
        NAME_ENDS.contains(&last)
            && name.clone().all(is_word)
            && name
                .filter(|word| !NAME_ENDS.contains(word))
                .any(|word| key.iter().any(|of| of == word))
    }

    /// Whether a text under this key only says what the secret beside it is for.
    pub(super) fn is_described_by(key: &str) -> bool {
        let name = words(key).concat();
        let singular = name.strip_suffix('s').unwrap_or(&name);
        DESCRIPTIVE.contains(&name.as_str()) || DESCRIPTIVE.contains(&singular) || is_time(&name)
    }
}

/// Whether a variable says first that it is a secret, and then what of: `PASSWORD_DB`, `API_KEY_STRIPE`.
fn is_variable_of_a_secret(key: &str, words: &[String]) -> bool {
    let is_screaming = !key.contains(|char: char| char.is_ascii_lowercase());
    is_screaming
        && match words {
            [first, second, rest @ ..] if first == "api" && second == "key" => !rest.is_empty(),
            [first, _, ..] => CERTAIN.contains(&first.as_str()) || first == "token",
            _ => false,
        }
        && !words
            .last()
            .is_some_and(|last| DESCRIPTIVE.contains(&last.as_str()))
}

fn is_carrier(word: &str) -> bool {
    CARRIERS.contains(&word)
}

fn is_qualifier(word: &str) -> bool {
    let name = word.trim_end_matches(|char: char| char.is_ascii_digit());
    name.is_empty() || QUALIFIERS.contains(&name)
}

fn is_plural_password(words: &[String]) -> bool {
    let last = words.last().map(String::as_str);
    matches!(last, Some("passwords" | "passphrases"))
}

fn is_time(name: &str) -> bool {
    ["created", "updated", "expires", "rotated"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn is_doubtful(words: &[String]) -> bool {
    match words {
        [before @ .., key] if key == "key" => before
            .last()
            .is_some_and(|word| !OPEN_KEYS.contains(&word.as_str())),
        [.., last] => DOUBTFUL_WORDS.contains(&last.as_str()),
        [] => false,
    }
}

/// The last word of a key in lower case.
pub(super) fn last_word(key: &str) -> String {
    words(key).pop().unwrap_or_default()
}

/// The words of a key in lower case: `OPENAI_API_KEY` and `openaiApiKey` are `openai`, `api`, `key`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = key.chars().collect();
    for (index, char) in chars.iter().enumerate() {
        let next = chars.get(index + 1);
        let before = index.checked_sub(1).map(|index| chars[index]);
        let begins = char.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || before.is_some_and(char::is_uppercase)
                    && next.is_some_and(|next| next.is_lowercase()));
        if begins || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if char.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_last_words() {
        for (secrecy, keys) in [
            (
                Secrecy::Certain,
                "password DB_PASSWORD dbpassword DB_PASSPHRASE JWT_SECRET COOKIE_SECRET appSecret clientSecret apiKey \
                 OPENAI_API_KEY X-Api-Key private_key_pem SECRET_KEY_BASE N8N_ENCRYPTION_KEY awsSecretAccessKey \
                 valuePreview keyPreview pwd db_pw MYSQL_ROOT_PWD REDIS_PASS \
                 DB_PASSWORD_PROD STRIPE_SECRET_KEY_LIVE API_KEY_2 password1 apiKeyProd apiKey2 JWT_SECRET_OLD \
                 private_key_pem_v2 passwords encryption.key",
            ),
            (
                Secrecy::Likely,
                "token GITHUB_TOKEN githubToken accesstoken token_value authorization credentials GCP_CREDENTIALS \
                 GITHUB_PAT connectionString",
            ),
            (
                Secrecy::Doubtful,
                "auth AUTH_HEADER tokens apiKeys secrets OPENAI_KEY OPENAI_KEY_2 PASSWORD_DB API_KEY_STRIPE pw jwt pass maxTokens",
            ),
            (
                Secrecy::None,
                "key name SECRET_NAME TOKEN_URL publicKey cacheKey keyId tokenType tokenUrl secretName passwordPolicy monkey compass path \
                 bypass preview test primary keyOld primaryKey2 imagePreview knowledgeBase value description",
            ),
        ] {
            for key in keys.split_whitespace() {
                assert_eq!(Secrecy::of(key), secrecy, "{key}");
            }
        }
    }
}
