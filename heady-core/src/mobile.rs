//! What crosses to Kotlin and Swift beside the boundary types: the error.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::types::Json;

/// Defines the error with a case for each kind; a kind that is missing here does not compile.
macro_rules! cases {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// An engine error: one case for each of the thirteen codes.
        #[derive(Debug, Clone, PartialEq, uniffi::Error)]
        pub enum HeadyError {
            $(
                $(#[$doc])*
                $kind {
                    /// The sentence for people.
                    // Not `message`, which an exception of Kotlin has already.
                    reason: String,
                    /// Facts for programs, as a JSON object, if there are any: `current`, the entry as it is now, of one
                    /// that is not what the caller took it for; `line` and `column` in a text that cannot be read.
                    details: Option<Json>,
                },
            )*
        }

        impl From<Error> for HeadyError {
            fn from(error: Error) -> Self {
                let reason = error.message().to_owned();
                let details = error.details().cloned().map(Json);
                match error.kind() {
                    $(ErrorKind::$kind => Self::$kind { reason, details },)*
                }
            }
        }

        impl fmt::Display for HeadyError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind { reason, .. } => f.write_str(reason),)*
                }
            }
        }
    };
}

cases! {
    /// The input is malformed or contradicts itself; the same input never succeeds.
    InvalidArgument,
    /// What was asked for does not exist.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// The caller is known and has no right to this.
    PermissionDenied,
    /// The system is not in a state in which this is possible.
    FailedPrecondition,
    /// No credential, or a wrong one.
    Unauthenticated,
    /// Somebody else was faster; the caller may read again and retry.
    Aborted,
    /// The time allowed ran out.
    DeadlineExceeded,
    /// A quota, rate or size limit is exhausted.
    ResourceExhausted,
    /// The caller withdrew the request.
    Cancelled,
    /// A dependency does not answer now; the same request may succeed later.
    Unavailable,
    /// Stored or received content is corrupt.
    DataLoss,
    /// A defect, in the engine or in a handler.
    Internal,
}

impl std::error::Error for HeadyError {}
