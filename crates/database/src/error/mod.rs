//! What can go wrong with a database: one error for both engines, with a stable code and a sentence for whoever asked.

mod drivers;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use drivers::Unreachable;
pub(crate) use drivers::{
    causes, damaged, deadline, no_answer, poisoned, postgres, sqlite, transient, unknown, unreachable,
};

/// The result of everything that asks a database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is, by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The change conflicts with what is stored: [`Error::violates`] says which constraint.
    Conflict,
    /// The row was changed since it was loaded: load it again.
    Stale,
    /// It failed for a passing reason before anything was committed: the transaction may run again.
    Transient,
    /// Not now: [`Error::wait`] says when to try again. Nothing was changed.
    Unavailable,
    /// COMMIT was sent and its answer never came: it may or may not have happened.
    Unknown,
    /// A mistake of the program, or a database that is damaged.
    Internal,
}

/// A failure. Shown as its sentence; `Debug` adds code and causes. Small, because every result carries room for it.
pub struct Error(Box<Parts>);

/// What an [`Error`] is made of, for programs that have an error type of their own.
#[expect(missing_docs, reason = "named as the functions of `Error` that explain them")]
#[derive(Clone)]
pub struct Parts {
    pub kind: Kind,
    pub code: &'static str,
    pub detail: Cow<'static, str>,
    pub constraint: Option<String>,
    pub retry_after: Option<Duration>,
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure with its code and its sentence.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        let detail = detail.into();
        Error(Box::new(Parts { kind, code, detail, constraint: None, retry_after: None, source: None }))
    }

    /// A mistake of the program.
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Internal, "INTERNAL_ERROR", detail)
    }

    pub(crate) fn unavailable(code: &'static str, detail: &'static str, after: Duration) -> Error {
        Error::new(Kind::Unavailable, code, detail).retry_after(after)
    }

    pub(crate) fn with_kind(mut self, kind: Kind) -> Error {
        self.0.kind = kind;
        self
    }

    /// The cause, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    pub(crate) fn with_constraint(mut self, name: String) -> Error {
        self.0.constraint = Some(name);
        self
    }

    pub(crate) fn retry_after(mut self, after: Duration) -> Error {
        self.0.retry_after = Some(after);
        self
    }

    /// The same failure once more, for another who waits for the same thing.
    pub fn again(&self) -> Error {
        Error(self.0.clone())
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// A sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// When to try again, if that is known.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Did the statement violate this constraint, `table_column_key`? Both engines name it the same.
    pub fn violates(&self, constraint: &str) -> bool {
        self.0.constraint.as_deref() == Some(constraint)
    }

    /// Everything that is known of it.
    pub fn into_parts(self) -> Parts {
        *self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, causes(self))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}
