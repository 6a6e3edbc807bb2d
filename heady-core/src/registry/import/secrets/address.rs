//! Secrets in addresses: credentials before a host, and paths that are a secret by themselves.

use super::REDACTED;
use super::literal::{is_literal, looks_random};

/// Addresses that are a secret by themselves, up to where that begins.
const SECRET_ADDRESSES: [&str; 9] = [
    "://hooks.slack.com/services/",
    "://hooks.slack.com/workflows/",
    "://discord.com/api/webhooks/",
    "://discordapp.com/api/webhooks/",
    "://api.telegram.org/bot",
    "://outlook.office.com/webhook/",
    "://outlook.office365.com/webhook/",
    ".webhook.office.com/webhookb2/",
    "://hooks.zapier.com/hooks/catch/",
];

/// Passwords that say that the user is the secret.
const NO_PASSWORDS: [&str; 3] = ["", "x", "x-oauth-basic"];

/// An address without the secret that its path is.
pub(super) fn without_secret_path(word: &str) -> String {
    if !word.contains('/') {
        return word.to_owned();
    }
    let lower = word.to_ascii_lowercase();
    for address in SECRET_ADDRESSES {
        if let Some(start) = lower.find(address) {
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

/// A word without the credentials of the URLs in it.
pub(super) fn without_credentials(word: &str) -> String {
    let last_at = word.rfind('@');
    let mut clean = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find("://") {
        let (scheme, address) = rest.split_at(start + 3);
        clean.push_str(scheme);
        let begins = word.len() - address.len();
        let last_at = last_at.and_then(|at| at.checked_sub(begins));
        let (credentials, host) = address.split_at(credentials_end(address, last_at));
        clean.push_str(&redacted(credentials));
        rest = host;
    }
    clean.push_str(rest);
    clean
}

fn redacted(credentials: &str) -> String {
    let is_token = |user: &str| user.len() >= 16 && looks_random(user) && is_literal(user);
    match credentials.split_once(':') {
        Some((user, password)) if NO_PASSWORDS.contains(&password) && is_literal(user) => {
            let password = if password.is_empty() { "" } else { REDACTED };
            format!("{REDACTED}:{password}")
        }
        Some((user, password)) if is_literal(password) => {
            let user = if is_token(user) { REDACTED } else { user };
            format!("{user}:{REDACTED}")
        }
        None if is_token(credentials) => REDACTED.to_owned(),
        _ => credentials.to_owned(),
    }
}

/// How long the credentials at the start of an address are. A password may have a slash in it that nobody encoded, so they
/// end at the last `@` before the next address, or in a word that has only that one at all.
fn credentials_end(address: &str, last_at: Option<usize>) -> usize {
    let own = address.find("://").map_or(address, |next| &address[..next]);
    let authority = own.split(['/', '?', '#']).next().unwrap_or_default();
    let has_port = |(_, port): (&str, &str)| port.chars().all(|char| char.is_ascii_digit());
    let is_host = authority.starts_with('[') || authority.rsplit_once(':').is_none_or(has_port);
    if authority.contains('@') {
        own.rfind('@').unwrap_or(0)
    } else if is_host {
        0
    } else {
        own.rfind('@').or(last_at).unwrap_or(0)
    }
}
