//! The log as lines of JSON: first all checkpoints, then all rows, chain by chain. What was cut off at the end is
//! missed, because the checkpoints in front know it. Rows that have no place in a chain come last.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::queries::{self, CheckpointPlace, Cursor};
use super::row::LogRow;
use super::{AuditExport, ExportAudit};
use crate::error::{Error, Result};
use crate::store::{Page, Row, Store};

/// One line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Checkpoint(CheckpointLine),
    Row(Box<LogRow>),
    Unreadable(UnreadableLine),
}

impl Line {
    fn of(row: &Row) -> Self {
        match LogRow::of(row) {
            Ok(row) => Self::Row(Box::new(row)),
            Err(error) => Self::Unreadable(UnreadableLine {
                unreadable: error.message().to_owned(),
                row: LogRow::readable(row),
            }),
        }
    }
}

/// A row in an export that somebody has made unreadable: the evidence.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UnreadableLine {
    /// Why.
    pub(super) unreadable: String,
    /// What can be read.
    pub(super) row: Map<String, Value>,
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
    Checkpoints(Option<CheckpointPlace>),
    /// After this place of a chain.
    Rows { chain_id: String, after: Cursor },
    /// After so many rows that have no place in a chain.
    Strays(i64),
}

impl Place {
    fn read(cursor: Option<&str>) -> Result<Self> {
        let Some(text) = cursor else {
            return Ok(Self::Checkpoints(None));
        };
        let place = match text.split_once(':') {
            Some(("c", place)) => {
                CheckpointPlace::read(place).map(|place| Self::Checkpoints(Some(place)))
            }
            Some(("r", place)) => Self::read_rows(place),
            Some(("s", offset)) => offset.parse().ok().map(Self::Strays),
            _ => None,
        };
        place
            .ok_or_else(|| Error::invalid_argument("cursor: is not a 'next' that this export gave"))
    }

    /// The name of a chain that somebody added may have any character.
    fn read_rows(place: &str) -> Option<Self> {
        let (place, id) = place.rsplit_once(':')?;
        let (chain_id, seq) = place.rsplit_once(':')?;
        Cursor::read(seq, id).map(|after| Self::Rows {
            chain_id: chain_id.to_owned(),
            after,
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Checkpoints(None) => "c".to_owned(),
            Self::Checkpoints(Some(place)) => format!("c:{place}"),
            Self::Rows { chain_id, after } => format!("r:{chain_id}:{after}"),
            Self::Strays(offset) => format!("s:{offset}"),
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
                for row in &page {
                    // A note that is no text is read as none, which nobody has signed.
                    lines.add(&Line::Checkpoint(CheckpointLine {
                        checkpoint: row.get("note").unwrap_or_default(),
                        public_key: row.get("public_key").unwrap_or_default(),
                    }))?;
                }
                match page.last() {
                    Some(last) => Some(Place::Checkpoints(Some(CheckpointPlace::after(last)?))),
                    None => Some(next_chain(store, None).await?),
                }
            }
            Place::Rows { chain_id, after } => {
                let page = queries::rows_after(store, &chain_id, &after, left).await?;
                for row in &page {
                    lines.add(&Line::of(row))?;
                }
                let after = page.last().map(Cursor::after).transpose()?;
                match after {
                    Some(after) => Some(Place::Rows { chain_id, after }),
                    None => Some(next_chain(store, Some(&chain_id)).await?),
                }
            }
            Place::Strays(offset) => {
                let page = queries::strays(store, offset, left).await?;
                for row in &page {
                    lines.add(&Line::of(row))?;
                }
                let next = offset.saturating_add(left);
                (page.len() as i64 == left).then_some(Place::Strays(next))
            }
        };
    }
    Ok(AuditExport {
        ndjson: lines.text,
        next: place.map(|place| place.text()),
    })
}

/// Where the next chain begins, or what follows the last one.
async fn next_chain(store: &Store, after: Option<&str>) -> Result<Place> {
    let next = queries::next_chain(store, after).await?;
    Ok(next.map_or(Place::Strays(0), |chain_id| Place::Rows {
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
