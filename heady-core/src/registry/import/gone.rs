//! What of the imported entries a document no longer has: what goes, and what stays all the same.

use std::collections::{HashMap, HashSet};

use super::super::ImportAction;
use super::super::entry::{self, Place, Placed};
use super::catalog::Kind;
use super::home::Home;
use super::plan::{Plan, Step};
use super::succeed::Succeeds;
use crate::error::Result;
use crate::store::Transaction;
use crate::types::Id;

const CHANGED: &str =
    "was changed by call since it was imported; kept beside the document (force deletes it)";
const USED: &str = "has runs, so it stays";

impl Plan {
    /// What to do with the entries of before that nobody wants, and how many of them are deleted. The document has entries
    /// of their kind in these sections.
    pub(super) async fn gone<E: Succeeds>(
        &mut self,
        transaction: &mut Transaction,
        kind: Kind,
        unwanted: HashMap<Id, Placed<E>>,
        sections: &HashSet<String>,
    ) -> Result<(Vec<Step<E>>, usize)> {
        let imported = unwanted.into_values();
        let mut gone: Vec<_> = imported
            .filter_map(|(entry, place)| Some((entry, place.section?, place.position)))
            .collect();
        gone.sort_by(|(a, ..), (b, ..)| a.id().cmp(b.id()));
        let ids: Vec<&Id> = gone.iter().map(|(entry, ..)| entry.id()).collect();
        let present = entry::present::<E>(transaction, &ids).await?;
        let header = self.header.as_object().cloned().unwrap_or_default();
        let forms: Vec<(String, String)> = serde_json::from_value(self.sections.clone())?;
        let home = Home::of(kind, &header, &forms);
        let (mut steps, mut deleted) = (Vec::new(), 0);
        for (entry, section, position) in gone {
            let id = entry.id().to_string();
            if present.get(entry.id()).is_some_and(|found| found.in_use) {
                self.note(&section, &id, ImportAction::Skip, Some(USED.to_owned()));
                let stays = place_of(&home, &section, &id);
                if stays != section {
                    let place = Place {
                        section: Some(stays),
                        position,
                    };
                    steps.push(Step::Move((entry, place)));
                }
            } else if self.was_changed(kind, &entry) {
                self.note(&section, &id, ImportAction::Skip, Some(CHANGED.to_owned()));
                // It stands where it was as long as there is such a section, which is where the document may have it again.
                if !sections.contains(&section) {
                    steps.push(Step::Move((entry, Place::default())));
                }
            } else {
                deleted += 1;
                self.note(&section, &id, ImportAction::Delete, None);
                steps.push(Step::Delete(entry));
            }
        }
        Ok((steps, deleted))
    }

    /// Whether this was changed by call and is to be kept therefore.
    fn was_changed<E: Succeeds>(&self, kind: Kind, entry: &E) -> bool {
        // One that no document had since was kept so before.
        let is_known = !self.applied.is_empty();
        let key = (kind, String::new(), entry.id().to_string());
        !self.force && is_known && self.applied.get(&key) != Some(&entry.metadata().0)
    }
}

/// Where an entry of this section stands in a document that does not have it. An import brought it, and that is known of it
/// as long as it stands somewhere.
fn place_of(home: &Home<'_>, section: &str, id: &str) -> String {
    if home.takes(section, id) {
        section.to_owned()
    } else {
        home.section(id)
    }
}
