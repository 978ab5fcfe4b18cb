//! The real router of some features on a fresh database, and a client for it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::Value;
use tower::ServiceExt;

use super::database::{TestDb, announce};
use crate::app::{App, Feature, Parts};
use crate::config::{Config, FileChoice, Sources};
use crate::crypto::Keys;
use crate::ctx::Ctx;
use crate::jobs;
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::storage::Storage;
use database::Engine;
use kernel::clock::{Clock, Timestamp};
use kernel::id::Random;
use kernel::web::http_service::HttpService;
use kernel::web::server::PeerAddr;

/// A process on a fresh database. The clock stands until [`TestApp::advance`] moves it.
pub struct TestApp {
    /// The process.
    pub app: App,
    /// Its database and folder.
    pub db: TestDb,
    service: HttpService,
    kinds: Vec<jobs::JobKind>,
}

impl TestApp {
    /// Starts `features` on a fresh database, with settings such as `("default_country", "US")`.
    pub async fn start(engine: Engine, features: &[Feature], settings: &[(&str, &str)]) -> TestApp {
        let db = TestDb::new(engine).await;
        let app = TestApp::process(&db, features, settings).await;
        let service = service_of(&app, features);
        let kinds = features.iter().flat_map(|f| f.jobs).copied().collect();
        TestApp { app, db, service, kinds }
    }

    /// Another process on the same database.
    pub async fn process(db: &TestDb, features: &[Feature], settings: &[(&str, &str)]) -> App {
        let mut env: std::collections::BTreeMap<String, String> = settings
            .iter()
            .map(|(key, value)| {
                (format!("REGULARS_{}", key.to_uppercase().replace('.', "_")), (*value).to_owned())
            })
            .collect();
        env.insert("REGULARS_DATA_DIR".to_owned(), db.folder.path().display().to_string());
        let sources = Sources { file: FileChoice::Nowhere, env, flags: Vec::new() };
        let config = Arc::new(Config::load(&sources).expect("the settings of the test"));
        // A whole second, so that times survive a JWT unchanged.
        let clock = Clock::fixed(Timestamp::from_micros(1_780_000_000_000_000).expect("a time"));
        let keys =
            Keys::from_secret(&SecretString::from("a secret of the tests, long enough")).expect("a key");
        let storage = Storage::local(&db.folder.path().join("files")).expect("a folder for files");
        let mail = Mailer::new(&config.mail, db.folder.path(), clock.clone()).expect("a mailer");
        let outbound = Outbound::new(config.outbound, clock.clone());
        let opened = database::Db::open(&db.options).expect("the test's database opens again");
        let mut parts = Parts::new(opened, config, clock, Random::System, keys, storage, mail, outbound);
        parts.show_statements = true;
        App::start(parts, features).await.expect("the features start")
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
    }

    /// A context of nobody from outside.
    pub fn system(&self) -> Ctx {
        self.app.system("test")
    }

    /// Runs every job that is due; says how many ran.
    pub async fn run_jobs(&self) -> usize {
        jobs::run_due(&self.app, &self.kinds).await.expect("jobs are claimed")
    }

    /// The mails in the outbox, as they were written.
    pub fn mails(&self) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(self.db.folder.path().join("outbox")) else { return Vec::new() };
        let mut paths: Vec<_> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    /// A request. Paths may have a query.
    pub fn request(&self, method: Method, path: impl Into<String>) -> TestRequest {
        TestRequest {
            service: self.service.clone(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }
    /// GET.
    pub fn get(&self, path: impl Into<String>) -> TestRequest {
        self.request(Method::GET, path)
    }
    /// POST.
    pub fn post(&self, path: impl Into<String>) -> TestRequest {
        self.request(Method::POST, path)
    }
    /// PUT.
    pub fn put(&self, path: impl Into<String>) -> TestRequest {
        self.request(Method::PUT, path)
    }
    /// PATCH.
    pub fn patch(&self, path: impl Into<String>) -> TestRequest {
        self.request(Method::PATCH, path)
    }
    /// DELETE.
    pub fn delete(&self, path: impl Into<String>) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// Ends the test: every job that is due has to be done by then.
    async fn end(self) {
        let mut tx = self.system().read().await.expect("a reader");
        let left = jobs::unfinished(&mut tx).await.expect("a count");
        assert_eq!(left, 0, "jobs are left unprocessed: call run_jobs(), and look at what they did");
        drop(tx);
        let TestApp { app, db, service, .. } = self;
        drop((app, service));
        db.end().await;
    }
}

fn service_of(app: &App, features: &[Feature]) -> HttpService {
    let (router, _) = crate::app::routes(app, features).expect("a feature authenticates");
    HttpService::new(router, app.config.web_settings(), app.clock.clone(), app.random.clone())
}

/// Runs a test on SQLite, then on PostgreSQL; the output of a failure names the engine.
pub async fn on_both_engines(features: &[Feature], test: impl AsyncFn(&TestApp)) {
    on_both_engines_with(features, &[], test).await;
}

/// The same with settings such as `("default_country", "US")`.
pub async fn on_both_engines_with(
    features: &[Feature],
    settings: &[(&str, &str)],
    test: impl AsyncFn(&TestApp),
) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        announce(engine);
        let app = TestApp::start(engine, features, settings).await;
        test(&app).await;
        app.end().await;
    }
}

/// A request in the making.
#[must_use = "send() it"]
pub struct TestRequest {
    service: HttpService,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl TestRequest {
    /// With an access token or an API key.
    pub fn bearer(self, token: &str) -> TestRequest {
        self.header("authorization", &format!("Bearer {token}"))
    }
    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> TestRequest {
        self.headers.insert(name, value.parse().expect("a header value"));
        self
    }
    /// With a JSON body.
    pub fn json(self, body: impl serde::Serialize) -> TestRequest {
        let body = serde_json::to_vec(&body).expect("JSON");
        self.body("application/json", body)
    }
    /// With any body.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> TestRequest {
        self.body = body.into();
        self.header("content-type", media_type)
    }
    /// Sends it.
    pub async fn send(self) -> TestReply {
        let what = format!("{} {}", self.method, self.path);
        let mut request =
            Request::builder().method(self.method).uri(&self.path).body(Body::from(self.body)).expect(&what);
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 40_000).into()));
        let response = match self.service.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the reply's body").to_bytes().to_vec();
        TestReply { what, status: parts.status, headers: parts.headers, bytes }
    }
}

/// A reply.
#[derive(Debug)]
pub struct TestReply {
    what: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl TestReply {
    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
    /// Panics with the body unless the status is `status`; the body as JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.what, self.text());
        self.json()
    }
    /// Panics unless it is a problem with this status and code; the problem.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["error_code"], code, "{}: {}", self.what, self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.what);
        problem
    }
    /// How many statements the request ran.
    pub fn statements(&self) -> u32 {
        self.header("x-statements").parse().unwrap_or_default()
    }
}
