//! What crosses to Kotlin and Swift beside the boundary types: the error.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Defines the error with a case for each kind; a kind that is missing here does not compile.
macro_rules! cases {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// An engine error: one case for each of the thirteen codes, and the message for people.
        #[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
        #[uniffi(flat_error)]
        pub enum HeadyError {
            $($(#[$doc])* $kind(String),)*
        }

        impl From<Error> for HeadyError {
            fn from(error: Error) -> Self {
                let message = error.message().to_owned();
                match error.kind() {
                    $(ErrorKind::$kind => Self::$kind(message),)*
                }
            }
        }

        impl fmt::Display for HeadyError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(message) => f.write_str(message),)*
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
