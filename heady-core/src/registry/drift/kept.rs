//! What an import brought and keeps, though the file has it no more.

use super::DriftKind;
use super::diff::{Finding, Of};
use crate::error::Result;
use crate::registry::entry::{self, Entry};
use crate::registry::import::Kind;
use crate::registry::{Node, Service, Workflow};
use crate::store::Transaction;
use crate::types::Id;

/// Why an entry differs that no import takes away.
pub(crate) const STAYS: &str = "imported, and gone from the file; has runs, so it stays";

const BESIDE: &str = "imported, and gone from the file; kept beside it by the last import";

const UNKNOWN: &str =
    "differs; who moved cannot be told, as the copy of the last import cannot be read";

/// Says of no difference who moved, as what both agreed on at the last import is lost; what stays does so all the same.
pub(super) fn name_nobody(findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|found| found.reason != STAYS) {
        UNKNOWN.clone_into(&mut finding.reason);
    }
}

/// Says of the entries that the file does not have which ones were imported all the same, and which ones stay.
pub(super) async fn tell(transaction: &mut Transaction, findings: &mut [Finding]) -> Result<()> {
    tell_of::<Service>(transaction, Kind::Service, findings).await?;
    tell_of::<Node>(transaction, Kind::Node, findings).await?;
    tell_of::<Workflow>(transaction, Kind::Workflow, findings).await
}

async fn tell_of<E: Entry>(
    transaction: &mut Transaction,
    kind: Kind,
    findings: &mut [Finding],
) -> Result<()> {
    let is_extra =
        |found: &&mut Finding| found.of == Of::Entry(kind) && found.kind == DriftKind::Extra;
    let extra: Vec<&mut Finding> = findings.iter_mut().filter(is_extra).collect();
    let ids: Vec<Id> = extra.iter().map(|found| found.id.as_str().into()).collect();
    let ids: Vec<&Id> = ids.iter().collect();
    let present = entry::present::<E>(transaction, &ids).await?;
    for found in extra {
        let Some(there) = present.get(&Id::from(found.id.as_str())) else {
            continue;
        };
        let was_imported = there.place.section.is_some();
        if was_imported && there.in_use {
            STAYS.clone_into(&mut found.reason);
        } else if was_imported && !found.orphan {
            BESIDE.clone_into(&mut found.reason);
        }
        found.orphan |= was_imported;
    }
    Ok(())
}
