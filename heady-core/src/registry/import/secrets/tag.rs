//! The tags of XML and HTML as a text has them: `<add key="ApiKey" value="…"/>`.

use super::key::Secrecy;
use super::{NAMES, is_among};

/// How many open tags a closing one may close: the others were never meant to be closed, as `<br>`.
const MOST_UNCLOSED: usize = 16;

/// How a section of plain characters begins and ends.
pub(super) const PLAIN: (&str, &str) = ("<![CDATA[", "]]>");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It begins an element that is closed.
    Opening,
    /// It ends one that was opened.
    Closing,
    /// `<a/>`, `<br>`, or no tag at all but a placeholder as in `--user <name>`.
    Alone,
}

pub(super) struct Tag<'t> {
    pub(super) name: &'t str,
    pub(super) form: Form,
    pub(super) attributes: Vec<Attribute<'t>>,
    pub(super) start: usize,
    /// Where the text behind it begins.
    pub(super) end: usize,
}

/// An attribute, and where its value stands.
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
    quoted: bool,
}

/// The tags of a text.
pub(super) fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut tags: Vec<Tag<'_>> = Vec::new();
    // Those that no other one closed so far.
    let mut open: Vec<usize> = Vec::new();
    let mut sections = Sections::default();
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        if let Some(end) = sections.end(text, start) {
            at = end;
            continue;
        }
        let Some(mut tag) = Tag::read(text, start) else {
            at = start + 1;
            continue;
        };
        at = tag.end;
        match tag.form {
            Form::Opening => {
                open.push(tags.len());
                tag.form = Form::Alone;
            }
            Form::Closing => {
                let is_opening = |&index: &usize| tags[index].name.eq_ignore_ascii_case(tag.name);
                let last = open.iter().rev().take(MOST_UNCLOSED);
                if let Some(unclosed) = last.copied().position(|index| is_opening(&index)) {
                    let opening = open.len() - unclosed - 1;
                    tags[open[opening]].form = Form::Opening;
                    open.truncate(opening);
                } else {
                    tag.form = Form::Alone;
                }
            }
            Form::Alone => {}
        }
        tags.push(tag);
    }
    tags
}

/// Sections of plain characters. Where the next one ends is remembered, so that a text is searched once, however many begin in
/// it.
#[derive(Default)]
struct Sections {
    end: usize,
    closing: usize,
}

impl Sections {
    /// Where a section ends that begins here and has no closing tag in it: one with such tags is a document itself.
    fn end(&mut self, text: &str, start: usize) -> Option<usize> {
        let (begin, end) = PLAIN;
        let inner = start + text[start..].strip_prefix(begin).map(|_| begin.len())?;
        let next = |found: &mut usize, what: &str| {
            if *found < inner {
                *found = inner + text[inner..].find(what).unwrap_or(text.len() - inner);
            }
            *found
        };
        let ends = next(&mut self.end, end);
        let is_document = next(&mut self.closing, "</") < ends;
        (ends < text.len() && !is_document).then_some(ends + end.len())
    }
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
                break Form::Alone;
            }
            attributes.push(reader.attribute()?);
        };
        Some(Self {
            name,
            form,
            attributes,
            start,
            end: reader.at,
        })
    }

    /// What the name says that stands in it: `<add key="ApiKey" …>`.
    pub(super) fn named(&self, text: &str) -> Secrecy {
        let names = self.attributes.iter();
        names
            .filter(|attribute| is_among(attribute.name, &NAMES))
            .map(|attribute| Secrecy::of(&text[attribute.start..attribute.end]))
            .max()
            .unwrap_or(Secrecy::None)
    }

    /// Where its end begins, if nothing but that ends a value: `>` in `<a b=c>`.
    pub(super) fn end_of_value(&self, text: &str) -> Option<usize> {
        let last = self.attributes.last().filter(|last| !last.quoted)?;
        matches!(&text[last.end..self.end], ">" | "/>").then_some(last.end)
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
            return Some(Attribute {
                name,
                start,
                end,
                quoted: false,
            });
        }
        self.space();
        let quote = self.rest().chars().next();
        let quote = quote.filter(|char| matches!(char, '"' | '\''));
        self.at += quote.map_or(0, char::len_utf8);
        let start = self.at;
        self.up_to(|char| match quote {
            Some(quote) => char == quote || char == '<',
            None => char.is_whitespace() || matches!(char, '>' | '<'),
        });
        if quote.is_none()
            && self.rest().starts_with('>')
            && self.text[start..self.at].ends_with('/')
        {
            self.at -= 1;
        }
        let end = self.at;
        if let Some(quote) = quote
            && !self.skip(quote.encode_utf8(&mut [0; 4]))
        {
            return None;
        }
        Some(Attribute {
            name,
            start,
            end,
            quoted: quote.is_some(),
        })
    }
}
