//! Secrets in texts: in each of its words, and in words that the one before says something of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::REDACTED;
use super::address::{without_credentials, without_secret_path};
use super::command::{Program, is_ports};
use super::key::Secrecy;
use super::literal::{is_literal, is_scheme, is_spoken, looks_random};
use super::tags::{Mark, without_secrets_in_tags};
use super::word::{
    QUOTES, Span, end_of_value, has_password, opens_template, without_assignments, without_tokens,
};

/// What may stand before a word and is no part of it.
pub(super) const BEFORE: [char; 7] = ['"', '\'', '`', '(', '[', '{', ','];

/// Flags of which the value is a user and a password, as `curl` has them.
const USER_FLAGS: [&str; 4] = ["-u", "-U", "--user", "--proxy-user"];

/// How flags begin that need no value.
const SWITCHES: [&str; 5] = ["--no-", "--without-", "--skip-", "--use-", "--ask-"];

/// Words behind a flag in a sentence about it.
const OF_SENTENCES: [&str; 18] = [
    "to", "for", "and", "or", "is", "in", "from", "with", "when", "if", "must", "should", "may",
    "can", "flag", "option", "the", "was",
];

/// What a word says about the one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Nothing,
    /// It is the value of what is called so.
    Value {
        secrecy: Secrecy,
        /// Whether that is a flag, and no name with a colon, as sentences have them, too.
        flag: bool,
    },
    /// It is the value of an option of which it is known that a secret stands behind it, unless that maps ports.
    Argument,
    /// It is something that a sentence calls so.
    Word,
    User,
    Bearer,
    Basic,
}

impl Awaited {
    /// What this word says, behind another one of its line.
    pub(super) fn by(word: &str, before: &str) -> Self {
        let bare = word.trim_start_matches(BEFORE).trim_end_matches(QUOTES);
        let name = bare.strip_suffix([':', '=']);
        if bare.starts_with('-') && bare.len() > 1 && name.is_none() {
            return Self::by_flag(bare);
        }
        let secrecy = match name {
            // `=`, `:=`, `=>`: the name is the word before.
            _ if matches!(bare, "=" | ":" | ":=" | "=>") => Secrecy::of(before),
            Some(name) if before.ends_with(|char: char| char.is_alphanumeric()) => {
                Secrecy::of(&format!("{before} {name}"))
            }
            Some(name) => Secrecy::of(name),
            None if bare.eq_ignore_ascii_case("bearer") => return Self::Bearer,
            None if bare.eq_ignore_ascii_case("basic") => return Self::Basic,
            None if bare.len() < 40 && Secrecy::of(bare) >= Secrecy::Likely => return Self::Word,
            None => Secrecy::None,
        };
        match secrecy {
            Secrecy::None => Self::Nothing,
            secrecy => Self::Value {
                secrecy,
                flag: false,
            },
        }
    }

    /// What this says about such a value: that of a known option is a secret as any other is behind a flag.
    fn as_value(self, value: &str) -> Self {
        match self {
            Self::Argument if is_ports(value) => Self::Nothing,
            Self::Argument => Self::Value {
                secrecy: Secrecy::Certain,
                flag: true,
            },
            other => other,
        }
    }

    fn by_flag(flag: &str) -> Self {
        if USER_FLAGS.contains(&flag) {
            return Self::User;
        }
        let secrecy = Secrecy::of(flag);
        if secrecy == Secrecy::None
            || flag.contains(['=', '$'])
            || SWITCHES.iter().any(|start| flag.starts_with(start))
        {
            return Self::Nothing;
        }
        Self::Value {
            secrecy,
            flag: true,
        }
    }

    /// The text without its secret, if it is awaited as a whole: an item of a list behind another one.
    pub(super) fn redacted(self, text: &str) -> Option<String> {
        match self.as_value(text) {
            Self::Value { secrecy, .. } => {
                (!text.starts_with("--") && secrecy.takes(text)).then(|| REDACTED.to_owned())
            }
            Self::User => {
                let (user, _) = text.split_once(':').filter(|_| has_password(text))?;
                Some(format!("{user}:{REDACTED}"))
            }
            _ => None,
        }
    }

    /// Where the secret stands in this word, before others.
    fn in_word(self, word: &str, after: &str) -> Option<Span> {
        // `curl -ubob:…`
        let user = word.strip_prefix("-u").is_some_and(has_password);
        let (awaited, start) = if user { (Self::User, 2) } else { (self, 0) };
        let mut span = Span::of(word, start, end_of_value(word));
        let value = &word[span.start..span.end];
        let taken = match awaited.as_value(value) {
            Self::Nothing | Self::Argument => false,
            Self::Bearer => (value.len() >= 16 || looks_random(value)) && is_literal(value),
            // `password …`, where it is the word of a sentence.
            Self::Word => {
                span.start += value.len() - value.trim_start_matches(BEFORE).len();
                let value = &word[span.start..span.end];
                !value.contains(['/', ':', '=']) && Secrecy::Doubtful.takes(value)
            }
            Self::Basic => is_basic(value),
            Self::User => {
                span.start += value.find(':').map_or(0, |colon| colon + 1);
                has_password(value)
            }
            Self::Value { secrecy, flag } => {
                let other = if flag {
                    value.starts_with('-') || OF_SENTENCES.contains(&value)
                } else {
                    word.ends_with(':') || is_sentence(word, after)
                };
                // What begins here are several values, or a placeholder with spaces in it.
                !other
                    && word != "\\"
                    && !value.starts_with(['{', '['])
                    && !opens_template(value)
                    && !is_scheme(value)
                    && secrecy.takes(value)
            }
        };
        taken.then_some(span)
    }

    /// What stands on the line below a name is mostly what the name is over, and no value.
    fn on_next_line(self) -> Self {
        match self {
            Self::Value { flag: false, .. } => Self::Value {
                secrecy: Secrecy::Doubtful,
                flag: false,
            },
            other => other,
        }
    }

    /// What is awaited behind this word of which nothing was taken.
    fn behind(self, word: &str, before: &str) -> Self {
        match self {
            // `Authorization: Bearer …`, `--header token …`
            Self::Value { .. } | Self::Argument if is_scheme(word.trim_start_matches(BEFORE)) => {
                self
            }
            Self::Word if word == "is" => self,
            // A line of a command that goes on.
            _ if word == "\\" => self,
            _ => Self::by(word, before),
        }
    }
}

/// Whether a sentence begins with this word, which goes on after it: `Password: ask the owner`.
fn is_sentence(word: &str, after: &str) -> bool {
    let next = || {
        after
            .trim_start_matches([' ', '\t'])
            .split(char::is_whitespace)
    };
    is_spoken(word) && !word.ends_with([',', '.']) && next().next().is_some_and(is_spoken)
}

/// The text without the secrets in it, or `None` if there are none. It may go on the command of this program.
pub(super) fn without_secrets(text: &str, program: Program) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some(REDACTED.to_owned());
    }
    let tagged = without_secrets_in_tags(text);
    let text = tagged.clean.as_deref().unwrap_or(text);
    without_secrets_in_words(text, &tagged.marks, program).or(tagged.clean)
}

fn without_secrets_in_words(text: &str, marks: &[Mark], mut program: Program) -> Option<String> {
    let mut marks = marks.iter().peekable();
    let mut clean = String::with_capacity(text.len());
    let mut awaited = Awaited::Nothing;
    let mut before = "";
    let mut rest = text;
    while !rest.is_empty() {
        let (space, tail) = split_at(rest, |char| !char.is_whitespace());
        clean.push_str(space);
        if space.contains('\n') {
            if before != "\\" && !before.is_empty() {
                program = Program::default();
            }
            before = "";
            awaited = awaited.on_next_line();
        }
        let at = text.len() - tail.len();
        while marks.next_if(|mark| mark.start < at).is_some() {}
        if let Some(mark) = marks.next_if(|mark| mark.start == at) {
            // What it is the tag of was told before; it is no word, and a word ends where it begins.
            clean.push_str(&text[mark.start..mark.end]);
            rest = &text[mark.end..];
            if !mark.opens {
                awaited = Awaited::Nothing;
            }
            continue;
        }
        let end = marks.peek().map_or(text.len(), |mark| mark.start);
        let (word, _) = split_at(&text[at..end], char::is_whitespace);
        let after = &tail[word.len()..];
        let found = awaited.in_word(word, after);
        let open = if let Some(span) = found.or_else(|| program.in_word(word)) {
            clean.push_str(&word[..span.start]);
            clean.push_str(REDACTED);
            clean.push_str(&word[span.end..]);
            awaited = Awaited::Nothing;
            span.open
        } else {
            let (word_clean, open) =
                without_assignments(&without_secret_path(&without_credentials(word)));
            clean.push_str(&without_tokens(&word_clean));
            awaited = program
                .awaits_behind(word)
                .unwrap_or_else(|| awaited.behind(word, before));
            open
        };
        program = program.after(word, before);
        (before, rest) = (word, after);
        if let Some(quote) = open {
            // The value goes on up to the quote that closes it.
            let end = after.find([quote, '\n']);
            rest = end.map_or(after, |end| &after[end..]);
        }
    }
    (clean != text).then_some(clean)
}

fn split_at(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

/// Whether this is what stands behind `Basic` in a header (RFC 7617): a name and a password, encoded.
fn is_basic(word: &str) -> bool {
    BASE64
        .decode(word)
        .is_ok_and(|decoded| decoded.contains(&b':'))
}
