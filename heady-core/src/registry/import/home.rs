//! Where in a document entries stand that have no place there.

use serde_json::{Map, Value};

use super::catalog::{Kind, REGISTERED, token};
use super::shape::Form;

/// Where entries without a place of their own go: to a section that is there and takes single entries, or to a new one.
pub(super) struct Home<'d> {
    header: &'d Map<String, Value>,
    sections: &'d [(String, String)],
    names: &'static [&'static str],
}

impl<'d> Home<'d> {
    pub(super) fn of(
        kind: Kind,
        header: &'d Map<String, Value>,
        sections: &'d [(String, String)],
    ) -> Self {
        Self {
            header,
            sections,
            names: match kind {
                Kind::Service => &["services"],
                Kind::Node => &["aiNodes", "nodes"],
                Kind::Workflow => &["workflows"],
                Kind::Other => &["components"],
            },
        }
    }

    fn form(&self, section: &str) -> Option<&str> {
        let found = self.sections.iter().find(|(name, _)| name == section);
        found.map(|(_, form)| form.as_str())
    }

    /// Whether a section takes single entries, and nothing stands in the place of this one.
    pub(super) fn takes(&self, section: &str, id: &str) -> bool {
        let takes_entries = [Form::List, Form::Map, Form::Words].map(Form::word);
        self.form(section)
            .is_some_and(|form| takes_entries.contains(&form))
            && self.form(&format!("{section}/{}", token(id))).is_none()
    }

    fn is_free(&self, section: &str) -> bool {
        self.form(section).is_none() && !self.header.contains_key(section)
    }

    /// Where such an entry goes.
    pub(super) fn section(&self, id: &str) -> String {
        let names = self.names.iter().map(|name| (*name).to_owned());
        // A group that is called as its section holds all of its entries.
        let inner = self.names.iter().map(|name| format!("{name}/{name}"));
        if let Some(name) = names.clone().chain(inner).find(|name| self.takes(name, id)) {
            return name;
        }
        if let Some(name) = names.clone().find(|name| self.is_free(name)) {
            return name;
        }
        let fits = |name: &String| self.is_free(name) || self.takes(name, id);
        let first = self.names[0];
        if self.form(first) == Some(Form::Groups.word()) {
            let mut group = format!("{first}/ungrouped");
            let mut number = 1;
            while !fits(&group) {
                number += 1;
                group = format!("{first}/ungrouped-{number}");
            }
            return group;
        }
        // An import knows what is meant by these.
        let mut name = format!("{REGISTERED}{first}");
        while !fits(&name) {
            name.insert_str(0, REGISTERED);
        }
        name
    }
}
