//! Export: the document put together again from its parts.

use serde_json::{Map, Value, json};

use super::super::entry::{self, Entry, Place};
use super::super::{Node, Service, Workflow, queries};
use super::catalog::Form;
use crate::error::Result;
use crate::store::Store;
use crate::types::Json;

/// One entry on its way into a section.
struct Piece {
    section: String,
    id: String,
    position: i64,
    body: Value,
}

pub(in crate::registry) async fn export(store: &Store) -> Result<Json> {
    let (header, sections) = queries::document(store)
        .await?
        .unwrap_or_else(|| (json!({}), json!([])));
    let mut sections: Vec<(String, String)> = serde_json::from_value(sections)?;
    let mut pieces = Vec::new();
    pieces.extend(typed::<Service>(store, home(&sections, &["services"])).await?);
    pieces.extend(typed::<Node>(store, home(&sections, &["aiNodes", "nodes"])).await?);
    pieces.extend(typed::<Workflow>(store, home(&sections, &["workflows"])).await?);
    for row in store.fetch_all(queries::OTHER_ENTRIES, vec![]).await? {
        let entry = queries::other_entry(&row)?;
        pieces.push(Piece {
            section: entry.section,
            id: entry.id,
            position: entry.position,
            body: entry.body,
        });
    }
    pieces.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    for piece in &pieces {
        if sections.iter().all(|(name, _)| *name != piece.section) {
            sections.push((piece.section.clone(), Form::List.word().to_owned()));
        }
    }
    let mut document = header.as_object().cloned().unwrap_or_default();
    for (name, form) in sections {
        let own = pieces.iter().filter(|piece| piece.section == name);
        let value = if form == Form::List.word() {
            own.map(|piece| piece.body.clone()).collect()
        } else if form == Form::Map.word() {
            own.map(|piece| (piece.id.clone(), piece.body.clone()))
                .collect::<Map<_, _>>()
                .into()
        } else {
            own.map(|piece| piece.body.clone())
                .next()
                .unwrap_or_default()
        };
        document.insert(name, value);
    }
    Ok(Value::Object(document).into())
}

/// The section that entries without a place of their own go to.
fn home(sections: &[(String, String)], names: &[&str]) -> String {
    let present = names
        .iter()
        .find(|name| sections.iter().any(|(section, _)| section == *name));
    (*present.unwrap_or(&names[0])).to_owned()
}

async fn typed<E: Entry>(store: &Store, home: String) -> Result<Vec<Piece>> {
    let rows = store
        .fetch_all(format!("SELECT * FROM {} ORDER BY id", E::TABLE), vec![])
        .await?;
    rows.iter()
        .map(|row| {
            let (entry, place) = entry::placed::<E>(row)?;
            let id = entry.id().to_string();
            Ok(match place {
                Place {
                    section: Some(section),
                    position,
                } => Piece {
                    section,
                    id,
                    position,
                    body: entry.metadata().0.clone(),
                },
                Place { section: None, .. } => Piece {
                    section: home.clone(),
                    id,
                    position: i64::MAX,
                    body: entry.declared(),
                },
            })
        })
        .collect()
}
