//! The guard against mass deletions: the accident that once emptied the users' catalog.

use serde_json::json;

use super::plan::Plan;
use crate::error::{Error, Result};

/// An import that would delete more than this share of the imported entries is refused unless it is forced.
const MOST_DELETED: f64 = 0.25;

/// So is one that would delete more than this share of a kind or a section, if it is at least so many entries: those of a
/// small one come and go.
pub(super) const MANY: usize = 3;

/// Of what how much would go.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loss {
    what: String,
    gone: usize,
    of: usize,
}

/// What is lost of a section that is one value, or was.
#[derive(Debug)]
pub(super) struct ValueLoss {
    pub(super) what: String,
    /// How many entries go of the registry's.
    pub(super) lost: usize,
    /// How many entries and plain values there were, and are.
    pub(super) before: usize,
    pub(super) after: usize,
    /// How many plain values there were and how many of them go, those left out that count as an entry.
    pub(super) plain_before: usize,
    pub(super) plain_lost: usize,
}

/// How many entries there were before, and what would go of them.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// How many entries earlier imports brought.
    imported: usize,
    /// How many would go of what stands in sections that are one value.
    in_values: usize,
    /// The kinds and sections of which much would go.
    large: Vec<Loss>,
}

impl Losses {
    /// Counts a kind or a section, and how many of its entries would go.
    pub(super) fn count(&mut self, what: String, imported: usize, gone: usize) {
        self.imported += imported;
        self.look(what, imported, gone);
    }

    /// Counts a section that is one value, or was, where no entry is deleted by its id.
    pub(super) fn count_value(&mut self, loss: ValueLoss) {
        self.in_values += loss.lost;
        let gone = loss.before.saturating_sub(loss.after);
        // Of few plain values one may go: they are no entries, and none of the registry's share.
        if self.look(loss.what, loss.before, gone) {
            self.in_values += loss.plain_lost;
            self.imported += loss.plain_before;
        }
    }

    /// Whether this is much of it.
    fn look(&mut self, what: String, of: usize, gone: usize) -> bool {
        let is_large = gone >= MANY && gone as f64 > MOST_DELETED * of as f64;
        if is_large {
            self.large.push(Loss { what, gone, of });
            self.large.sort();
        }
        is_large
    }
}

impl Plan {
    /// Refuses a document that lost many of its entries.
    pub(super) fn check_deletions(&self, source: &str) -> Result<()> {
        let losses = &self.losses;
        let deleted = self.report.deleted + losses.in_values as i64;
        let most = deleted as f64 > MOST_DELETED * losses.imported as f64;
        if !most && losses.large.is_empty() {
            return Ok(());
        }
        let mut what = format!("{deleted} of {} imported entries", losses.imported);
        if !losses.large.is_empty() {
            let large = losses.large.iter().map(|Loss { what, gone, of }| {
                if gone == of {
                    format!("all {of} {what}")
                } else {
                    format!("{gone} of {of} {what}")
                }
            });
            let large: Vec<String> = large.collect();
            what = format!("{what}, among them {}", large.join(", "));
        }
        Err(Error::failed_precondition(format!(
            "'{source}' would delete {what}; nothing was changed. More than {:.0} % of all entries, or of a kind or section if that is {MANY} or more, go at once only with the option 'force'",
            MOST_DELETED * 100.0
        ))
        .with_details(json!({"report": self.report})))
    }
}
