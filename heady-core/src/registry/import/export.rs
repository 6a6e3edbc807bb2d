//! Export: the document put together again from its parts.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::super::entry::{self, Entry};
use super::super::history::History;
use super::super::list::{Unreadable, whole};
use super::super::{Node, Service, Workflow, queries};
use super::catalog::{Item, Kind};
use super::home::Home;
use super::shape::Form;
use crate::error::Result;
use crate::store::{Arg, Row, Sql, Store, Transaction};
use crate::types::{Json, Timestamp};

/// Where the registry is read: from what was committed last, or in a transaction.
pub(in crate::registry) enum Reader<'r> {
    Store(&'r Store),
    Transaction(&'r mut Transaction),
}

impl Reader<'_> {
    async fn fetch_all(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Vec<Row>> {
        match self {
            Self::Store(store) => store.fetch_all(sql, args).await,
            Self::Transaction(transaction) => transaction.fetch_all(sql, args).await,
        }
    }
}

/// What the registry has now, in the terms of a document.
#[derive(Debug)]
pub(in crate::registry) struct Present {
    pub(in crate::registry) header: Map<String, Value>,
    /// The sections of the last import and their forms.
    sections: Vec<(String, String)>,
    pub(in crate::registry) items: Vec<Item>,
    /// What is there as well and cannot be read.
    pub(in crate::registry) unreadable: Vec<Unreadable>,
}

pub(in crate::registry) async fn present(reader: &mut Reader<'_>) -> Result<Present> {
    let rows = reader
        .fetch_all("SELECT header, sections FROM registry_documents", vec![])
        .await?;
    let (header, sections) = match rows.first() {
        Some(row) => (row.get::<Value>("header")?, row.get::<Value>("sections")?),
        None => (json!({}), json!([])),
    };
    let sections: Vec<(String, String)> = serde_json::from_value(sections)?;
    let mut read = Entries::default();
    let header = header.as_object().cloned().unwrap_or_default();
    let home = |kind| Home::of(kind, &header, &sections);
    typed::<Service>(reader, &mut read, Kind::Service, home(Kind::Service)).await?;
    typed::<Node>(reader, &mut read, Kind::Node, home(Kind::Node)).await?;
    typed::<Workflow>(reader, &mut read, Kind::Workflow, home(Kind::Workflow)).await?;
    for row in reader.fetch_all(queries::OTHER_ENTRIES, vec![]).await? {
        match queries::other_entry(&row) {
            Ok(entry) => read.items.push(Item::of(
                Kind::Other,
                &entry.section,
                entry.id,
                entry.position,
                entry.body,
            )),
            Err(error) => read.unreadable.push(Unreadable::other(&row, &error)),
        }
    }
    let Entries {
        mut items,
        unreadable,
    } = read;
    items.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    Ok(Present {
        header,
        sections,
        items,
        unreadable,
    })
}

/// The entries that were read, and those that could not be.
#[derive(Default)]
struct Entries {
    items: Vec<Item>,
    unreadable: Vec<Unreadable>,
}

async fn typed<E: Entry>(
    reader: &mut Reader<'_>,
    read: &mut Entries,
    kind: Kind,
    home: Home<'_>,
) -> Result<()> {
    let rows = reader.fetch_all(queries::placed::<E>(), vec![]).await?;
    for row in &rows {
        let (entry, place) = match entry::placed::<E>(row) {
            Ok(placed) => placed,
            Err(error) => {
                read.unreadable.push(Unreadable::of::<E>(row, &error));
                continue;
            }
        };
        let id = entry.id().to_string();
        read.items.push(match &place.section {
            Some(section) => Item::of(
                kind,
                section,
                id,
                place.position,
                entry.metadata().0.clone(),
            ),
            None => {
                let home = home.section(&id);
                Item::of(kind, &home, id, i64::MAX, entry.declared())
            }
        });
    }
    Ok(())
}

/// How often a reading is begun anew because somebody wrote meanwhile, before the writers have to wait.
const ATTEMPTS: usize = 3;

/// The whole registry as it was at one moment, though it is read table by table.
async fn at_one_moment(store: &Store) -> Result<Present> {
    for _ in 0..ATTEMPTS {
        let before = changed(store).await?;
        let present = present(&mut Reader::Store(store)).await?;
        if changed(store).await? == before {
            return Ok(present);
        }
    }
    store
        .write(|transaction| {
            Box::pin(async move {
                History::lock(transaction).await?;
                present(&mut Reader::Transaction(transaction)).await
            })
        })
        .await
}

/// What differs after every change, of an entry or by an import.
async fn changed(store: &Store) -> Result<(Option<i64>, Option<Timestamp>)> {
    let text =
        "SELECT revision, imported_at FROM registry_revision LEFT JOIN registry_documents ON true";
    let row = store.fetch_optional(text, vec![]).await?;
    row.map_or(Ok((None, None)), |row| {
        Ok((row.get("revision")?, row.get("imported_at")?))
    })
}

pub(in crate::registry) async fn export(store: &Store) -> Result<Json> {
    let Present {
        header,
        mut sections,
        items,
        unreadable,
    } = at_one_moment(store).await?;
    let mut own: HashMap<&str, Vec<&Item>> = HashMap::new();
    let known: HashSet<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    let mut new = Vec::new();
    for item in &items {
        let own = own.entry(&item.section).or_default();
        if own.is_empty() && !known.contains(item.section.as_str()) {
            new.push((item.section.clone(), Form::List.word().to_owned()));
        }
        own.push(item);
    }
    sections.extend(new);
    let mut document = Value::Object(header);
    for (name, form) in sections {
        let own = own.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        put(&mut document, &name, section(&form, own.iter().copied()));
    }
    if unreadable.is_empty() {
        return Ok(document.into());
    }
    let others = json!({"document": document});
    whole(others, "the document of all others", &unreadable).map(Json::from)
}

fn section<'i>(form: &str, items: impl Iterator<Item = &'i Item>) -> Value {
    match form {
        form if form == Form::List.word() => items.map(|item| item.body.clone()).collect(),
        form if form == Form::Words.word() => items.map(word).collect(),
        form if form == Form::Map.word() => items
            .map(|item| (item.id.clone(), item.body.clone()))
            .collect::<Map<_, _>>()
            .into(),
        form if form == Form::Groups.word() => json!({}),
        _ => items
            .map(|item| item.body.clone())
            .next()
            .unwrap_or_default(),
    }
}

/// An entry that is nothing but an id is written as one.
fn word(item: &Item) -> Value {
    if item.body == json!({"id": item.id}) {
        Value::String(item.id.clone())
    } else {
        item.body.clone()
    }
}

/// Puts a section where its pointer says; what it is in comes before it.
fn put(document: &mut Value, pointer: &str, section: Value) {
    let mut place = document;
    for token in pointer.split('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name.as_str()];
    }
    *place = section;
}
