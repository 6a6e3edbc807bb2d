//! What stands in the sections of a document, for those who only look into it.

use std::collections::BTreeMap;

#[cfg(feature = "http")]
use serde_json::Map;
use serde_json::Value;
#[cfg(feature = "http")]
use serde_json::json;

use super::catalog::{Item, Kind, path, read};

/// The entries of such a section as `components`, in whatever form a document has it, groups among them.
#[cfg(feature = "http")]
pub(crate) fn entries(document: &Map<String, Value>, section: &str) -> Vec<(String, Value)> {
    let value = document.get(section).cloned().unwrap_or_default();
    // A section without entries is no registry by itself.
    let catalog = read(&json!({section: value})).unwrap_or_default();
    let items = catalog.items.into_iter();
    items
        .filter(|item| !item.id.is_empty())
        .map(|item| (item.id, item.body))
        .collect()
}

/// How many entries the sections of a document have that have no table of their own.
pub(crate) fn other_sections(document: &Value) -> Vec<(String, usize)> {
    let items = read(document).unwrap_or_default().items;
    let mut sections: BTreeMap<String, usize> = BTreeMap::new();
    let is_other = |item: &&Item| item.kind == Kind::Other && item.fault.is_none();
    for item in items.iter().filter(is_other) {
        let name = item.section.split('/').next().unwrap_or_default();
        let name = path(name, "");
        *sections.entry(name).or_default() += usize::from(!item.id.is_empty());
    }
    sections
        .into_iter()
        .filter(|(_, entries)| *entries > 0)
        .collect()
}
