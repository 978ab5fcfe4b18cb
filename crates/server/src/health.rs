//! Is the process able to do its work? `/livez` (is it running; asks nobody), `/readyz` (should it be given
//! requests), `/health` (every part with its state, for people and monitors).
//!
//! The answers are public, so a storm of questions must not become a storm of probes: a report is kept for two
//! seconds, and one for mail servers for a minute.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::clock::Timestamp;
use kernel::web::field::one_of;
use kernel::{Error, Kind, Result};
use platform::app::{App, Parts, ProcessState};
use platform::jobs::Backlog;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::openapi::Object;

/// How old a report may be.
const FRESH: Duration = Duration::from_secs(2);
/// How old the answer of a mail server may be: it is another host's work.
const FRESH_MAIL: Duration = Duration::from_secs(60);
/// A part that does not answer in this time does not work.
const DEADLINE: Duration = Duration::from_secs(3);
/// The code of what cannot be stored for want of room.
const STORAGE_FULL: &str = "STORAGE_FULL";

/// The state of one part of the deployment.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = HealthPart)]
pub struct Component {
    /// Does it work?
    #[schema(schema_with = part_states)]
    status: &'static str,
    /// Which kind of it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    #[schema(example = "sqlite")]
    kind: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Jobs that wait or run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) backlog: Option<i64>,
    /// The same for the metrics.
    #[serde(skip)]
    pub(crate) queue: Option<Backlog>,
}

impl Component {
    /// `None` for a part that is not configured.
    pub fn is_healthy(&self) -> Option<bool> {
        match self.status {
            "healthy" => Some(true),
            "unhealthy" => Some(false),
            _ => None,
        }
    }

    fn of(result: Result<()>, kind: &str) -> Component {
        let (status, detail) = match result {
            Ok(()) => ("healthy", None),
            // The inside of the server stays inside; the log has it.
            Err(e) if e.kind() == Kind::Internal => ("unhealthy", Some("see the log".to_owned())),
            Err(e) => ("unhealthy", Some(e.detail().to_owned())),
        };
        Component { status, kind: Some(kind.to_owned()), detail, backlog: None, queue: None }
    }
}

/// The state of the process and of what it needs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Health)]
pub struct Report {
    /// `healthy`; `degraded` if mail does not go out, jobs are not done or the disk is full;
    /// `unhealthy` if requests cannot be served.
    #[schema(schema_with = states)]
    pub status: &'static str,
    /// The setting `service_name`.
    #[schema(example = "regulars")]
    service: String,
    /// The release.
    version: &'static str,
    /// The disk is full: what is stored can be read, and nothing can be changed.
    pub read_only: bool,
    /// `database`, `storage`, `mail`, `jobs`.
    pub components: BTreeMap<&'static str, Component>,
    /// When it was found out.
    timestamp: Timestamp,
}

fn part_states() -> Object {
    one_of(["healthy", "unhealthy", "not configured"])
}

fn states() -> Object {
    one_of(["healthy", "degraded", "unhealthy"])
}

/// What is remembered between two questions.
#[derive(Default)]
pub struct Health {
    report: Mutex<Option<(Instant, Arc<Report>)>>,
    mail: Mutex<Option<(Instant, Component)>>,
}

impl ProcessState for Health {
    fn new(_: &Parts) -> Health {
        Health::default()
    }
}

/// The state of the process, at most two seconds old. Who asks while it is being found out waits for the same answer.
pub async fn report(app: &App) -> Arc<Report> {
    let health = app.state::<Health>();
    let mut kept = health.report.lock().await;
    if let Some((at, report)) = kept.as_ref()
        && at.elapsed() < FRESH
    {
        return Arc::clone(report);
    }
    let report = Arc::new(find_out(app, &health).await);
    *kept = Some((Instant::now(), Arc::clone(&report)));
    report
}

async fn find_out(app: &App, health: &Health) -> Report {
    let (database, storage, mail) = tokio::join!(
        database(app),
        check_within("storage", DEADLINE, app.storage.check(&app.random)),
        mail(app, health)
    );
    let engine = app.db.engine().to_string();
    let jobs = jobs(platform::jobs::stands_still(app), &database);
    // What is stored can be read still: another process would have the same disk, or no room for the load of this one.
    let read_only = storage.as_ref().is_err_and(|e| e.code() == STORAGE_FULL);
    let database = Component::of(database.map(drop), &engine);
    let storage = Component::of(storage, "local");
    let serves = database.is_healthy() == Some(true) && (storage.is_healthy() == Some(true) || read_only);
    let lags = [&mail, &jobs].iter().any(|part| part.is_healthy() == Some(false));
    let status = match (serves, lags || read_only) {
        (false, _) => "unhealthy",
        (true, true) => "degraded",
        (true, false) => "healthy",
    };
    let components = [("database", database), ("storage", storage), ("mail", mail), ("jobs", jobs)];
    Report {
        status,
        service: app.config.service_name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        read_only,
        components: components.into(),
        timestamp: app.clock.now(),
    }
}

/// The queue lies in the database; the runner, if there is one here, should come round.
fn jobs(stand_still: bool, database: &Result<(i64, Backlog)>) -> Component {
    let state = match database {
        Ok(_) if stand_still => {
            let detail = "The runner of jobs of this process has not looked for jobs for a minute";
            Err(Error::unavailable("JOBS_STAND_STILL", detail, DEADLINE))
        }
        Ok(_) => Ok(()),
        Err(e) => Err(e.again()),
    };
    let (backlog, queue) = database.as_ref().map_or((None, None), |(n, queue)| (Some(*n), Some(*queue)));
    Component { backlog, queue, ..Component::of(state, "database") }
}

async fn database(app: &App) -> Result<(i64, Backlog)> {
    let ask = async {
        let ctx = app.system("health");
        let mut tx = ctx.read().await?;
        let unfinished = platform::jobs::unfinished(&mut tx).await?;
        Ok((unfinished, platform::jobs::backlog(&mut tx, ctx.now()).await?))
    };
    check_within("database", DEADLINE, ask).await
}

async fn mail(app: &App, health: &Health) -> Component {
    let kind = if app.config.mail.smtp_url.is_some() { "smtp" } else { "files" };
    let mut kept = health.mail.lock().await;
    let fresh = if kind == "smtp" { FRESH_MAIL } else { FRESH };
    if let Some((at, component)) = kept.as_ref()
        && at.elapsed() < fresh
    {
        return component.clone();
    }
    let component = Component::of(check_within("mail", DEADLINE, Box::pin(app.mail.check())).await, kind);
    *kept = Some((Instant::now(), component.clone()));
    component
}

async fn check_within<T>(part: &str, within: Duration, ask: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::unavailable("NO_ANSWER", "it did not answer within 3 seconds", DEADLINE));
    let result = tokio::time::timeout(within, ask).await.unwrap_or_else(late);
    result.inspect_err(|e| tracing::warn!(component = part, error = ?e, "{part} does not work"))
}

/// The state of the process and of everything that it needs. 503 if it cannot serve requests.
#[utoipa::path(get, path = "/health", operation_id = "getHealth", tag = "operation", security(()),
    responses((status = 200, body = Report), (status = 503, description = "The same, when requests cannot be served.", body = Report)))]
pub async fn health(State(app): State<App>) -> Response {
    let report = report(&app).await;
    let status = match report.status {
        "unhealthy" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (status, Json(report.as_ref())).into_response()
}

/// The same as `/health`, where version 1 had it.
#[utoipa::path(get, path = "/api/v1/customers/health", operation_id = "getCustomersHealth", tag = "operation",
    security(()),
    responses((status = 200, body = Report), (status = 503, description = "The same, when requests cannot be served.", body = Report)))]
pub async fn customers_health(app: State<App>) -> Response {
    health(app).await
}

/// Is the process running? Asks nothing else, so that a broken database does not restart every process.
#[utoipa::path(get, path = "/livez", operation_id = "getLiveness", tag = "operation", security(()),
    responses((status = 200, description = "`ok`.", body = String, content_type = "text/plain")))]
pub async fn livez() -> &'static str {
    "ok"
}

/// Should the process be given requests? 503 if it cannot serve them now. With a full disk it still serves those that
/// read, and says so.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "operation", security(()),
    responses((status = 200, description = "`ready`, or `ready for reading only` with a full disk.", body = String, content_type = "text/plain"), kernel::web::problem::Problems))]
pub async fn readyz(State(app): State<App>) -> Result<&'static str> {
    let report = report(&app).await;
    match (report.status, report.read_only) {
        ("unhealthy", _) => {
            Err(Error::unavailable("NOT_READY", "Requests cannot be served now; see /health", FRESH))
        }
        (_, true) => Ok("ready for reading only: the disk is full"),
        (_, false) => Ok("ready"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_part_that_does_not_answer_is_not_waited_for() {
        let late = check_within("mail", Duration::ZERO, pending::<Result<()>>()).await.unwrap_err();
        assert_eq!((late.code(), late.kind()), ("NO_ANSWER", Kind::Unavailable));
        assert!(check_within("mail", DEADLINE, async { Ok(1) }).await.is_ok());
    }

    #[test]
    fn jobs_are_unhealthy_when_nobody_looks_for_them() {
        let backlog = Backlog { ready: 2, running: 0, oldest: Duration::ZERO };
        let component = jobs(false, &Ok((2, backlog)));
        assert_eq!((component.status, component.backlog), ("healthy", Some(2)));
        let component = jobs(true, &Ok((2, backlog)));
        assert_eq!((component.status, component.backlog), ("unhealthy", Some(2)));
        let away = Error::unavailable("JOBS_STAND_STILL", "away", DEADLINE);
        assert_eq!(jobs(false, &Err(away)).backlog, None);
    }
}
