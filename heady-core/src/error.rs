//! The one error type of the engine.
//!
//! Callers branch on [`Error::kind`]; its [`code`](ErrorKind::code) is the same string in Rust, HTTP, Node, Python and
//! mobile. Messages are for people: they say what was wrong and what to do, and never contain secrets, document text
//! or connection strings.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The result of every engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the canonical gRPC vocabulary.
///
/// Deliberately exhaustive: the bindings live in this workspace, and adding a kind must fail to compile until each of
/// them translates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorKind {
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

impl ErrorKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 13] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::FailedPrecondition,
        Self::Unauthenticated,
        Self::Aborted,
        Self::DeadlineExceeded,
        Self::ResourceExhausted,
        Self::Cancelled,
        Self::Unavailable,
        Self::DataLoss,
        Self::Internal,
    ];

    /// The code string, equal in every language and in storage.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Aborted => "ABORTED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Cancelled => "CANCELLED",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Internal => "INTERNAL",
        }
    }

    /// The kind with this code string.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The HTTP status that carries this kind.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::FailedPrecondition | Self::Aborted => 409,
            Self::DataLoss => 422,
            Self::ResourceExhausted => 429,
            Self::Cancelled => 499,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }

    /// Whether the same request may succeed when it is repeated.
    ///
    /// `Internal` is included because a handler that failed without saying why may have met a passing fault.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::DeadlineExceeded
                | Self::ResourceExhausted
                | Self::Aborted
                | Self::Internal
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An engine error: a kind to branch on, a message to read, and the cause if there was one.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    details: Option<Value>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        $($(#[$doc])* pub fn $name(message: impl Into<String>) -> Self { Self::new(ErrorKind::$kind, message) })*
    };
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            details: None,
            source: None,
        }))
    }

    constructors! {
        /// The input is malformed.
        invalid_argument => InvalidArgument;
        /// Something with that name exists already.
        already_exists => AlreadyExists;
        /// The caller may not do this.
        permission_denied => PermissionDenied;
        /// The system is not in a state in which this is possible.
        failed_precondition => FailedPrecondition;
        /// No credential, or a wrong one.
        unauthenticated => Unauthenticated;
        /// Somebody else was faster.
        aborted => Aborted;
        /// The time allowed ran out.
        deadline_exceeded => DeadlineExceeded;
        /// A limit is exhausted.
        resource_exhausted => ResourceExhausted;
        /// The caller withdrew the request.
        cancelled => Cancelled;
        /// A dependency does not answer now.
        unavailable => Unavailable;
        /// Stored or received content is corrupt.
        data_loss => DataLoss;
        /// A defect.
        internal => Internal;
    }

    /// The `what` called `id` does not exist: `Error::not_found("run", &id)`.
    pub fn not_found(what: &str, id: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what} '{id}' does not exist"))
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds machine-readable facts, such as the current version of an object that changed meanwhile.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Adds the place in a text at which it stopped making sense, both counted from 1.
    #[must_use]
    pub fn at(self, line: u64, column: u64) -> Self {
        self.with_details(serde_json::json!({ "line": line, "column": column }))
    }

    /// Puts the context in front of the message: `while reading 'x.yaml': …`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code string of the kind.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The message for people, without the kind and the cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Machine-readable facts, if there are any.
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// Whether the same request may succeed when it is repeated.
    pub fn retryable(&self) -> bool {
        self.0.kind.retryable()
    }

    /// The error as JSON: `{code, message}` and the details beside them.
    pub fn to_json(&self) -> Value {
        let mut object = match &self.0.details {
            Some(Value::Object(details)) => details.clone(),
            Some(other) => serde_json::Map::from_iter([("details".to_owned(), other.clone())]),
            None => serde_json::Map::new(),
        };
        object.insert("code".to_owned(), self.code().into());
        object.insert("message".to_owned(), self.message().into());
        Value::Object(object)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.0.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<serde_json::Error> for Error {
    /// For what the engine itself wrote: a text of a caller is read by [`crate::document`].
    fn from(error: serde_json::Error) -> Self {
        Self::data_loss(format!("stored JSON is not what it was: {error}")).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_kind() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
        assert_eq!(ErrorKind::from_code("OK"), None);
    }

    #[test]
    fn details_stand_beside_code_and_message() {
        let error = Error::invalid_argument("no such key")
            .at(3, 7)
            .context("while reading 'a.yaml'");
        assert_eq!(
            error.to_json(),
            serde_json::json!({
                "code": "INVALID_ARGUMENT", "message": "while reading 'a.yaml': no such key", "line": 3, "column": 7
            })
        );
    }

    #[test]
    fn debug_shows_the_whole_chain_of_causes() {
        let error = Error::unavailable("database down").caused_by(std::io::Error::other("refused"));
        assert_eq!(
            format!("{error:?}"),
            "UNAVAILABLE: database down\n  caused by: refused"
        );
    }
}
