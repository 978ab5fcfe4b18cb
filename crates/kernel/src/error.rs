//! The one error type. A feature says what went wrong and what the caller can do about it;
//! `web::problem` turns it into a reply, once, at the edge.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is. The first group are answers to a client, the second are states of the
/// database layer that the outer web layer acts on before they become an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request could not be read.
    BadRequest,
    /// 401: nobody, or nobody we know.
    Unauthorized,
    /// 403: known, and not allowed.
    Forbidden,
    /// 404: not there, or outside the caller's scope.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 408: the client was too slow.
    RequestTimeout,
    /// 409: it contradicts what is stored.
    Conflict,
    /// 412: `If-Match` names an older version.
    PreconditionFailed,
    /// 413: too large.
    TooLarge,
    /// 415: not a media type this route reads.
    UnsupportedMedia,
    /// 422: readable, and wrong.
    Invalid,
    /// 429: too many; `retry_after` says how long to wait.
    TooMany,
    /// 500: our error. Details go to the log only.
    Internal,
    /// 501: needs a part that this deployment has not configured.
    NotImplemented,
    /// 503: not now; `retry_after` says when.
    Unavailable,

    /// The row was changed since it was loaded: the use case may run again.
    Stale,
    /// The statement failed for a passing reason before anything was committed: the request may run again.
    Transient,
    /// COMMIT was sent and its answer never came: it may or may not have happened.
    Unknown,
}

impl Kind {
    /// The HTTP status that a client sees.
    pub fn status(self) -> u16 {
        match self {
            Kind::BadRequest => 400,
            Kind::Unauthorized => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::MethodNotAllowed => 405,
            Kind::RequestTimeout => 408,
            Kind::Conflict | Kind::Stale => 409,
            Kind::PreconditionFailed => 412,
            Kind::TooLarge => 413,
            Kind::UnsupportedMedia => 415,
            Kind::Invalid => 422,
            Kind::TooMany => 429,
            Kind::Internal => 500,
            Kind::NotImplemented => 501,
            Kind::Unavailable | Kind::Transient | Kind::Unknown => 503,
        }
    }
}

/// One error of one field, as the `errors` member of a problem reply lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the member, such as `address.city` or `tags[3]`.
    pub field: String,
    /// Stable code for programs, such as `too_long`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl FieldError {
    /// A error of `field`. The message is a sentence about it without a full stop, `Must not be blank`; those that begin in
    /// lower case, as the parts of longer sentences do, begin with a capital here.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> FieldError {
        let mut message = message.into();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        FieldError { field: field.into(), code, message }
    }
}

/// A field may have several errors.
fn many_invalid(errors: &[FieldError]) -> String {
    let fields: std::collections::HashSet<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    match fields.into_iter().collect::<Vec<_>>().as_slice() {
        [""] => "The request is invalid; `errors` lists why".to_owned(),
        [one] => format!("{one} is invalid; `errors` lists why"),
        fields => format!("{} fields are invalid; `errors` lists them", fields.len()),
    }
}

/// A failure. Small (one pointer), so that `Result` stays cheap to return.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: &'static str,
    detail: Cow<'static, str>,
    field_errors: Vec<FieldError>,
    constraint: Option<String>,
    retry_after: Option<Duration>,
    members: serde_json::Map<String, serde_json::Value>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of `kind` with its stable `code` (`CUSTOMER_EMAIL_EXISTS`) and a sentence for people.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            code,
            detail: detail.into(),
            field_errors: Vec::new(),
            constraint: None,
            retry_after: None,
            members: serde_json::Map::new(),
            source: None,
        }))
    }

    /// 400 with a stable code.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::BadRequest, code, detail)
    }

    /// 401 with a stable code.
    pub fn unauthorized(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Unauthorized, code, detail)
    }

    /// 403 with a stable code.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Forbidden, code, detail)
    }

    /// 404 with a stable code (`CUSTOMER_NOT_FOUND`).
    pub fn not_found(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::NotFound, code, detail)
    }

    /// 409 with a stable code.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Conflict, code, detail)
    }

    /// 422 that lists all errors at once.
    pub fn invalid(errors: Vec<FieldError>) -> Error {
        let mut error = Error::new(Kind::Invalid, "VALIDATION_FAILED", "");
        error.0.detail = match errors.as_slice() {
            [one] if one.field.is_empty() => one.message.clone().into(),
            [one] => format!("{}: {}", one.field, one.message).into(),
            many => many_invalid(many).into(),
        };
        error.0.field_errors = errors;
        error
    }

    /// 422 for one field.
    pub fn invalid_field(field: &str, code: &'static str, message: impl Into<String>) -> Error {
        Error::invalid(vec![FieldError::new(field, code, message)])
    }

    /// 500. `what` goes to the log, never to the client.
    pub fn internal(what: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Internal, "INTERNAL_ERROR", what)
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(code: &'static str, detail: impl Into<Cow<'static, str>>, after: Duration) -> Error {
        Error::new(Kind::Unavailable, code, detail).retry_after(after)
    }

    /// The same failure for somebody else who waited for the same, with the same cause.
    pub fn again(&self) -> Error {
        let mut again = Error::new(self.kind(), self.code(), self.detail().to_owned());
        again.0.field_errors = self.field_errors().to_vec();
        again.0.constraint.clone_from(&self.0.constraint);
        again.0.retry_after = self.0.retry_after;
        again.0.members = self.0.members.clone();
        again.0.source = self.0.source.clone();
        again
    }

    /// The cause, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The database constraint that was violated, as `table_column_key` (see `db::error`).
    pub fn with_constraint(mut self, name: String) -> Error {
        self.0.constraint = Some(name);
        self
    }

    /// When to try again.
    pub fn retry_after(mut self, after: Duration) -> Error {
        self.0.retry_after = Some(after);
        self
    }

    /// A further member of the problem reply, such as `current_version`.
    pub fn with_member(mut self, name: &str, value: impl Into<serde_json::Value>) -> Error {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }
    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
    /// All errors of a 422.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.field_errors
    }
    /// When to try again, if that is known.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }
    /// Further members of the problem reply.
    pub fn members(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.0.members
    }
    /// Did the statement violate this constraint?
    pub fn violates(&self, constraint: &str) -> bool {
        self.0.constraint.as_deref() == Some(constraint)
    }
}

/// Code, sentence and causes, each once: what the log shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = format!("{}: {}", self.0.code, self.0.detail);
        if let Some(name) = &self.0.constraint {
            said.push_str(&format!(" (violates {name})"));
        }
        for error in &self.0.field_errors {
            said.push_str(&format!("; {} {}: {}", error.field, error.code, error.message));
        }
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let text = cause.to_string();
            // Outer sentences often quote the inner ones.
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            source = cause.source();
        }
        f.write_str(&said)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl From<database::Error> for Error {
    fn from(e: database::Error) -> Error {
        let parts = e.into_parts();
        let kind = match parts.kind {
            database::Kind::Conflict => Kind::Conflict,
            database::Kind::Stale => Kind::Stale,
            database::Kind::Transient => Kind::Transient,
            database::Kind::Unavailable => Kind::Unavailable,
            database::Kind::Unknown => Kind::Unknown,
            database::Kind::Internal => Kind::Internal,
        };
        let mut error = Error::new(kind, parts.code, parts.detail);
        error.0.constraint = parts.constraint;
        error.0.retry_after = parts.retry_after;
        error.0.source = parts.source;
        error
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|s| s.as_ref() as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_field_and_begin_with_a_capital() {
        let error = |field: &str| FieldError::new(field, "wrong", "must be right");
        assert_eq!(error("a").message, "Must be right");
        assert_eq!(FieldError::new("a", "wrong", "ñ first").message, "ñ first");
        let detail = |errors: &[&str]| {
            Error::invalid(errors.iter().map(|field| error(field)).collect()).detail().to_owned()
        };
        assert_eq!(detail(&["a"]), "a: Must be right");
        assert_eq!(detail(&["a", "a"]), "a is invalid; `errors` lists why");
        assert_eq!(detail(&["a", "b", "a"]), "2 fields are invalid; `errors` lists them");
        assert_eq!(detail(&["", ""]), "The request is invalid; `errors` lists why");
    }
}
