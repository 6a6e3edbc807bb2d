//! Secrets in texts with tags, as XML and HTML have them: `<password>…</password>`, `<add key="ApiKey" value="…"/>`.

use std::mem;

use super::REDACTED;
use super::key::Secrecy;
use super::tag::{Form, PLAIN, Tag, tags};
use super::{NAMES, VALUES, is_among};

/// How comments begin and end.
const COMMENT: (&str, &str) = ("<!--", "-->");

/// Elements of pages that have no values in them: a name of theirs says what a field is called, and their text is a label.
const LABELS: [&str; 12] = [
    "a", "button", "h1", "h2", "h3", "h4", "h5", "h6", "label", "legend", "summary", "th",
];

/// What was found in the tags of a text.
#[derive(Default)]
pub(super) struct Tagged {
    /// The text without the secrets in its tags, unless there are none.
    pub(super) clean: Option<String>,
    /// What stands in this text, or else in the one that was read, and ends a word.
    pub(super) marks: Vec<Mark>,
}

/// A tag that begins or ends an element and says nothing more, or what ends one behind a value in no quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether an element begins here, so that what is said before it may be of its text: `password: <b>…</b>`.
    pub(super) opens: bool,
}

/// Looks through the tags of a text.
pub(super) fn without_secrets_in_tags(text: &str) -> Tagged {
    if !text.contains('<') {
        return Tagged::default();
    }
    let mut elements = Elements {
        text,
        around: Vec::new(),
        told: Secrecy::None,
        comment: None,
        secrets: Vec::new(),
        marks: Vec::new(),
    };
    let mut at = 0;
    for tag in tags(text) {
        elements.text(at, tag.start);
        elements.tag(&tag);
        at = tag.end;
    }
    elements.ended()
}

/// An element around the place where one is.
struct Element<'t> {
    name: &'t str,
    /// What is known of the texts in it, and of those in the elements in it.
    texts: Secrecy,
    within: Secrecy,
    /// What the name says that stands in it: `<property name="password">`, `<env><name>DB_PASSWORD</name>…`.
    named: Secrecy,
    /// What its own texts say about others, if it is a name itself.
    says: Secrecy,
    /// The texts that the name in it is of, which may stand before the name.
    values: Vec<(usize, usize)>,
}

struct Elements<'t> {
    text: &'t str,
    around: Vec<Element<'t>>,
    /// What the element before says about the next one: `<key>ApiKey</key><string>…`, as property lists have it.
    told: Secrecy,
    /// In how many elements the comment began that one is in.
    comment: Option<usize>,
    /// Where the secrets stand.
    secrets: Vec<(usize, usize)>,
    marks: Vec<Mark>,
}

impl<'t> Elements<'t> {
    fn tag(&mut self, tag: &Tag<'t>) {
        if tag.form == Form::Closing {
            self.close(tag);
            return;
        }
        self.attributes(tag);
        if let Some(start) = tag.end_of_value(self.text) {
            self.mark(start, tag.end, false);
        }
        if tag.form == Form::Opening {
            if tag.attributes.is_empty() {
                self.mark(tag.start, tag.end, true);
            }
            self.open(tag);
        }
    }

    fn mark(&mut self, start: usize, end: usize, opens: bool) {
        self.marks.push(Mark { start, end, opens });
    }

    fn attributes(&mut self, tag: &Tag<'t>) {
        let over = Secrecy::of(tag.name).max(tag.named(self.text));
        for attribute in &tag.attributes {
            let mut secrecy = Secrecy::of(attribute.name);
            if is_among(attribute.name, &VALUES) || attribute.name.eq_ignore_ascii_case("content") {
                secrecy = secrecy.max(over);
            }
            self.take(secrecy, attribute.start, attribute.end);
        }
    }

    fn open(&mut self, tag: &Tag<'t>) {
        let own = Secrecy::of(tag.name);
        let named = tag.named(self.text);
        let over = self
            .around
            .last()
            .map_or(Secrecy::None, |element| element.within);
        let most = if is_among(tag.name, &LABELS) {
            Secrecy::Doubtful
        } else {
            Secrecy::Likely
        };
        let told = mem::replace(&mut self.told, Secrecy::None);
        let texts = own.max(named.min(most)).max(told);
        self.around.push(Element {
            name: tag.name,
            texts: if Secrecy::is_described_by(tag.name) {
                texts
            } else {
                texts.max(over)
            },
            within: own.inside(tag.name, over),
            named,
            says: Secrecy::None,
            values: Vec::new(),
        });
    }

    fn close(&mut self, tag: &Tag<'t>) {
        self.mark(tag.start, tag.end, false);
        let Some(element) = self.around.pop() else {
            return;
        };
        for (start, end) in element.values {
            self.take(element.named, start, end);
        }
        if let Some(parent) = self.around.last_mut() {
            parent.named = parent.named.max(element.says);
        }
        self.told = match element.name {
            "key" => element.says,
            _ => Secrecy::None,
        };
        // One that was not ended goes no further than what it is in.
        self.comment = self.comment.filter(|depth| *depth <= self.around.len());
    }

    /// A text between two tags, which may have comments in it, or parts of one.
    fn text(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let depth = self.around.len();
            let mark = if self.comment.is_some() {
                COMMENT.1
            } else {
                COMMENT.0
            };
            let found = self.text[at..end].find(mark).map(|found| at + found);
            self.part(at, found.unwrap_or(end), self.comment == Some(depth));
            if found.is_some() {
                self.comment = self.comment.is_none().then_some(depth);
            }
            at = found.map_or(end, |found| found + mark.len());
        }
    }

    fn part(&mut self, start: usize, end: usize, is_comment: bool) {
        let (start, end) = self.bare(start, end);
        let Some((element, parents)) = self.around.split_last_mut() else {
            return;
        };
        if start == end {
            return;
        }
        if is_comment {
            // It speaks about the secret mostly.
            let secrecy = element.texts.min(Secrecy::Doubtful);
            self.take(secrecy, start, end);
            return;
        }
        if is_among(element.name, &NAMES) {
            element.says = element.says.max(Secrecy::of(&self.text[start..end]));
        }
        if let Some(parent) = parents
            .last_mut()
            .filter(|_| is_among(element.name, &VALUES))
        {
            parent.values.push((start, end));
        }
        let secrecy = element.texts;
        self.take(secrecy, start, end);
    }

    /// A text without the space around it, and without what makes it a section of plain characters.
    fn bare(&self, start: usize, end: usize) -> (usize, usize) {
        let text = self.text[start..end].trim_start();
        let plain = text.strip_prefix(PLAIN.0).map(str::trim_start);
        let mut bare = plain.unwrap_or(text);
        let start = end - bare.len();
        bare = bare.trim_end();
        if plain.is_some() {
            bare = bare.strip_suffix(PLAIN.1).unwrap_or(bare).trim_end();
        }
        (start, start + bare.len())
    }

    /// Takes out what stands here, if it is a secret.
    fn take(&mut self, secrecy: Secrecy, start: usize, end: usize) {
        if start < end && secrecy.takes(&self.text[start..end]) {
            self.secrets.push((start, end));
        }
    }

    fn ended(mut self) -> Tagged {
        self.secrets.sort_unstable();
        self.secrets.dedup();
        let mut marks = self.marks.iter_mut().peekable();
        let mut clean = String::new();
        let mut copied = 0;
        for &(start, end) in &self.secrets {
            while let Some(mark) = marks.next_if(|mark| mark.start <= start) {
                mark.shift(clean.len(), copied);
            }
            clean.push_str(&self.text[copied..start]);
            clean.push_str(REDACTED);
            copied = end;
        }
        marks.for_each(|mark| mark.shift(clean.len(), copied));
        clean.push_str(&self.text[copied..]);
        Tagged {
            clean: (copied > 0).then_some(clean),
            marks: self.marks,
        }
    }
}

impl Mark {
    /// Moves it with what begins at one place and stands at another one from now on.
    const fn shift(&mut self, to: usize, from: usize) {
        self.start = to + self.start.saturating_sub(from);
        self.end = to + self.end.saturating_sub(from);
    }
}
