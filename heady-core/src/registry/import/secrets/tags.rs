//! Secrets in texts with tags, as XML and HTML have them: `<password>…</password>`, `<add key="ApiKey" value="…"/>`.

use super::REDACTED;
use super::key::Secrecy;
use super::{NAMES, VALUES, is_among};

/// How many open tags a closing one may close: the others were never meant to be closed, as `<br>`.
const MOST_UNCLOSED: usize = 16;

/// How long a section of plain characters is that is looked at.
const MOST_PLAIN: usize = 4096;

const PLAIN: &str = "<![CDATA[";

/// A text without the secrets in its tags, or `None` if there are none.
pub(super) fn without_secrets_in_tags(text: &str) -> Option<String> {
    if !text.contains('<') {
        return None;
    }
    let mut clean = Clean {
        text,
        ..Clean::default()
    };
    // The elements around this place, and what they say about the texts in them.
    let mut around: Vec<(&str, Secrecy)> = Vec::new();
    // What the text before an element says about it: `<key>ApiKey</key><string>…`, as property lists have it.
    let mut told = Secrecy::None;
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        let Some(tag) = Tag::read(text, start) else {
            at = start + 1;
            continue;
        };
        at = tag.end;
        if tag.form == Form::Closing {
            let last = around.iter().rev().take(MOST_UNCLOSED);
            if let Some(unclosed) = last
                .map(|(name, _)| *name)
                .position(|name| name == tag.name)
            {
                around.truncate(around.len() - unclosed - 1);
            }
            continue;
        }
        let own = Secrecy::of(tag.name);
        let named = tag.named(text);
        for attribute in &tag.attributes {
            let mut secrecy = Secrecy::of(attribute.name);
            if is_among(attribute.name, &VALUES) || attribute.name.eq_ignore_ascii_case("content") {
                secrecy = secrecy.max(own).max(named);
            }
            clean.take(secrecy, attribute.start, attribute.end);
        }
        if tag.form == Form::Empty {
            told = Secrecy::None;
            continue;
        }
        let over = around.last().map_or(Secrecy::None, |(_, over)| *over);
        let (start, end) = content(text, at);
        if text[end..].starts_with("</") || text[end..].starts_with("]]>") {
            // What is shown beside a field of a form may be called as that field.
            let own = own.max(named.min(Secrecy::Likely)).max(told);
            let secrecy = if Secrecy::is_described_by(tag.name) {
                own
            } else {
                own.max(over)
            };
            clean.take(secrecy, start, end);
        }
        told = match tag.name {
            "key" => Secrecy::of(text[start..end].trim()),
            _ => Secrecy::None,
        };
        around.push((tag.name, own.inside(tag.name, over)));
        at = end;
    }
    clean.ended()
}

/// The text that stands behind a tag, up to the next one.
fn content(text: &str, at: usize) -> (usize, usize) {
    let rest = &text[at..];
    let plain = rest.trim_start();
    if let Some(inner) = plain.strip_prefix(PLAIN) {
        let start = text.len() - inner.len();
        let looked_at = &inner[..inner.floor_char_boundary(MOST_PLAIN)];
        if let Some(length) = looked_at.find("]]>") {
            return (start, start + length);
        }
    }
    (at, at + rest.find('<').unwrap_or(rest.len()))
}

/// A text that is copied, secrets aside.
#[derive(Default)]
struct Clean<'t> {
    text: &'t str,
    done: String,
    copied: usize,
}

impl Clean<'_> {
    /// Takes out what stands here, if it is a secret.
    fn take(&mut self, secrecy: Secrecy, start: usize, end: usize) {
        let value = self.text[start..end].trim();
        if value.is_empty() || !secrecy.takes(value) {
            return;
        }
        let start = start + self.text[start..end].find(value).unwrap_or_default();
        self.done.push_str(&self.text[self.copied..start]);
        self.done.push_str(REDACTED);
        self.copied = start + value.len();
    }

    fn ended(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.done.push_str(&self.text[self.copied..]);
        Some(self.done)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Opening,
    Closing,
    /// `<a/>`
    Empty,
}

struct Tag<'t> {
    name: &'t str,
    form: Form,
    attributes: Vec<Attribute<'t>>,
    /// Where the text behind it begins.
    end: usize,
}

/// An attribute, and where its value stands.
struct Attribute<'t> {
    name: &'t str,
    start: usize,
    end: usize,
}

impl<'t> Tag<'t> {
    /// The tag that begins here. None has another `<` in it, so that a text is read once, however it is made.
    fn read(text: &'t str, start: usize) -> Option<Self> {
        let mut reader = Reader {
            text,
            at: start + 1,
        };
        let closing = reader.skip("/");
        let name = reader.name();
        if !name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_') {
            return None;
        }
        let mut attributes = Vec::new();
        let form = loop {
            reader.space();
            if reader.skip(">") {
                break if closing {
                    Form::Closing
                } else {
                    Form::Opening
                };
            }
            if reader.skip("/>") {
                break Form::Empty;
            }
            attributes.push(reader.attribute()?);
        };
        Some(Self {
            name,
            form,
            attributes,
            end: reader.at,
        })
    }

    /// What the name says that stands in it: `<add key="ApiKey" …>`.
    fn named(&self, text: &str) -> Secrecy {
        let names = self.attributes.iter();
        names
            .filter(|attribute| is_among(attribute.name, &NAMES))
            .map(|attribute| Secrecy::of(&text[attribute.start..attribute.end]))
            .max()
            .unwrap_or(Secrecy::None)
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip(&mut self, what: &str) -> bool {
        let there = self.rest().starts_with(what);
        self.at += if there { what.len() } else { 0 };
        there
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// What stands here up to one of these characters.
    fn up_to(&mut self, is_end: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn name(&mut self) -> &'t str {
        self.up_to(|char| !char.is_alphanumeric() && !matches!(char, '-' | '_' | '.' | ':'))
    }

    fn attribute(&mut self) -> Option<Attribute<'t>> {
        let name = self.name();
        if name.is_empty() {
            return None;
        }
        self.space();
        if !self.skip("=") {
            let (start, end) = (self.at, self.at);
            return Some(Attribute { name, start, end });
        }
        self.space();
        let quote = self
            .rest()
            .chars()
            .next()
            .filter(|char| matches!(char, '"' | '\''));
        self.at += quote.map_or(0, char::len_utf8);
        let start = self.at;
        self.up_to(|char| match quote {
            Some(quote) => char == quote || char == '<',
            None => char.is_whitespace() || matches!(char, '>' | '<'),
        });
        let end = self.at;
        match quote {
            Some(quote) if !self.skip(quote.encode_utf8(&mut [0; 4])) => None,
            _ => Some(Attribute { name, start, end }),
        }
    }
}
