//! The log as lines of JSON: first all checkpoints, then all rows, chain by chain. What was cut off at the end is
//! missed, because the checkpoints in front know it.

use serde::{Deserialize, Serialize};

use super::queries::{self, Cursor};
use super::row::LogRow;
use super::{AuditExport, ExportAudit};
use crate::error::{Error, Result};
use crate::store::{Page, Store};
use crate::types::Id;

/// One line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Checkpoint(CheckpointLine),
    Row(Box<LogRow>),
}

/// A checkpoint in an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CheckpointLine {
    pub(super) checkpoint: String,
    pub(super) public_key: String,
}

/// Where a part begins.
enum Place {
    /// After this checkpoint.
    Checkpoints(Option<Id>),
    /// After this place of a chain.
    Rows { chain_id: String, after: Cursor },
}

impl Place {
    fn read(cursor: Option<&str>) -> Result<Self> {
        let Some(text) = cursor else {
            return Ok(Self::Checkpoints(None));
        };
        let place = match text.split(':').collect::<Vec<_>>()[..] {
            ["c", id] => Id::from(id)
                .uuid()
                .map(|_| Self::Checkpoints(Some(id.into()))),
            ["r", chain_id, seq, id] => Cursor::read(seq, id).map(|after| Self::Rows {
                chain_id: chain_id.to_owned(),
                after,
            }),
            _ => None,
        };
        place
            .ok_or_else(|| Error::invalid_argument("cursor: is not a 'next' that this export gave"))
    }

    fn text(&self) -> String {
        match self {
            Self::Checkpoints(id) => format!("c:{}", id.clone().unwrap_or_else(|| "".into())),
            Self::Rows { chain_id, after } => format!("r:{chain_id}:{after}"),
        }
    }
}

pub(super) async fn export(store: &Store, options: ExportAudit) -> Result<AuditExport> {
    let limit = Page::of(Some(options.limit.unwrap_or(1000)), None)?.rows() - 1;
    let mut place = Some(Place::read(options.cursor.as_deref())?);
    let mut lines = Lines::default();
    while let Some(from) = place.take_if(|_| lines.count < limit) {
        let left = limit - lines.count;
        place = match from {
            Place::Checkpoints(after) => {
                let page = queries::checkpoints_after(store, after.as_ref(), left).await?;
                let last = page.last().map(|checkpoint| checkpoint.id.clone());
                for checkpoint in page {
                    lines.add(&Line::Checkpoint(CheckpointLine {
                        checkpoint: checkpoint.note,
                        public_key: checkpoint.public_key,
                    }))?;
                }
                match last {
                    Some(last) => Some(Place::Checkpoints(Some(last))),
                    None => next_chain(store, "").await?,
                }
            }
            Place::Rows { chain_id, after } => {
                let page = queries::rows_after(store, &chain_id, &after, left).await?;
                for row in &page {
                    lines.add(&Line::Row(Box::new(LogRow::of(row)?)))?;
                }
                match page.last() {
                    Some(last) => Some(Place::Rows {
                        after: Cursor::at(last)?,
                        chain_id,
                    }),
                    None => next_chain(store, &chain_id).await?,
                }
            }
        };
    }
    Ok(AuditExport {
        ndjson: lines.text,
        next: place.map(|place| place.text()),
    })
}

async fn next_chain(store: &Store, after: &str) -> Result<Option<Place>> {
    let next = queries::next_chain(store, after).await?;
    Ok(next.map(|chain_id| Place::Rows {
        chain_id,
        after: Cursor::start(),
    }))
}

#[derive(Default)]
struct Lines {
    text: String,
    count: i64,
}

impl Lines {
    fn add(&mut self, line: &Line) -> Result<()> {
        self.text += &serde_json::to_string(line)?;
        self.text.push('\n');
        self.count += 1;
        Ok(())
    }
}
