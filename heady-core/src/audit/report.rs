//! What verifying came to, in a database or an export.

use super::key::PublicKey;
use super::walk::{Ends, Walk};
use super::{AuditFault, AuditReport, FaultKind, KeySource};
use crate::error::{Error, Result};

/// Why looking at the log stopped: a fault of the log, or an error of this attempt to look at it.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(AuditFault),
    Error(Error),
}

impl From<AuditFault> for Stop {
    fn from(fault: AuditFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What stops somebody who does not look for faults.
impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fault(fault) => Self::data_loss(fault.message),
            Stop::Error(error) => error,
        }
    }
}

impl AuditReport {
    pub(super) fn new(keys: &[PublicKey], keys_from: KeySource) -> Self {
        Self {
            ok: true,
            rows: 0,
            erased: 0,
            chains: 0,
            checkpoints: 0,
            unsigned: 0,
            public_keys: keys.iter().map(PublicKey::text).collect(),
            keys_from,
            first_fault: None,
        }
    }

    pub(super) fn add(&mut self, walk: &Walk) {
        self.rows += walk.rows;
        self.erased += walk.erased;
        self.chains += 1;
    }

    /// Checks that something was signed at all where somebody could sign. A key that somebody named may be there before the
    /// first row is; one that only signing makes is not.
    pub(super) fn check_signed(&self, has_signed: bool) -> Result<(), AuditFault> {
        let signs = match self.keys_from {
            KeySource::Given => true,
            KeySource::Engine => self.rows > 0 || has_signed,
            KeySource::Database => false,
        };
        if self.checkpoints > 0 || !signs {
            return Ok(());
        }
        let message = if self.rows == 0 && has_signed {
            "there is neither a row nor a checkpoint, but the key that signed some: all were removed, or the key is that of \
             an earlier database"
        } else {
            "no checkpoint signs any row: none was made since the log began, which takes an engine a second, or they were \
             removed, and with them rows perhaps"
        };
        Err(AuditFault {
            kind: FaultKind::Unsigned,
            chain_id: None,
            seq: None,
            id: None,
            message: message.to_owned(),
        })
    }

    pub(super) fn end(mut self, ends: &Ends, outcome: Result<(), Stop>) -> Result<Self> {
        self.unsigned = ends.unsigned();
        match outcome {
            Ok(()) => {}
            Err(Stop::Fault(fault)) => {
                self.ok = false;
                self.first_fault = Some(fault);
            }
            Err(Stop::Error(error)) => return Err(error),
        }
        Ok(self)
    }
}
