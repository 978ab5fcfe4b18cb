//! `GET /metrics`, in the text format of Prometheus: requests and their durations by route template, what features
//! count, and the process itself. It asks for no token, because collectors have none, and it shows numbers only;
//! still it belongs behind the proxy. By default the server listens on loopback alone.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use kernel::web::http_service::DURATION_BUCKETS;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use platform::app::App;

use crate::health;

/// Histograms collect samples until somebody asks; without a collector this keeps their memory bounded.
const UPKEEP: Duration = Duration::from_secs(5);

struct Recorder {
    handle: PrometheusHandle,
    since: Instant,
}

static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// Starts collecting, once per process; afterwards it must be kept up with [`keep_up`].
pub fn install() -> anyhow::Result<()> {
    let duration = Matcher::Full("http_request_duration_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(duration, DURATION_BUCKETS)?;
    let handle = builder.install_recorder()?;
    let _ = RECORDER.set(Recorder { handle, since: Instant::now() });
    describe();
    Ok(())
}

fn describe() {
    metrics::describe_counter!("http_requests_total", "Requests by method, route template and status");
    metrics::describe_histogram!(
        "http_request_duration_seconds",
        metrics::Unit::Seconds,
        "From the head of a request to the head of its reply"
    );
    metrics::describe_gauge!("process_resident_memory_bytes", "Resident memory of the process");
    metrics::describe_gauge!("process_uptime_seconds", "Time since the process started");
    metrics::describe_gauge!("jobs_unfinished", "Jobs that wait or run, in the whole deployment");
    metrics::describe_gauge!(
        "jobs_ready",
        "Jobs that are due and wait, in the whole deployment, up to 10000"
    );
    metrics::describe_gauge!("jobs_running", "Jobs at work, in the whole deployment, up to 10000");
    metrics::describe_gauge!(
        "jobs_oldest_seconds",
        metrics::Unit::Seconds,
        "How long the oldest due job has waited"
    );
    metrics::describe_counter!("job_runs_total", "Runs of jobs in this process by kind and outcome");
    metrics::describe_gauge!(
        "sqlite_wal_bytes",
        metrics::Unit::Bytes,
        "Size of the write-ahead log of the embedded database"
    );
    metrics::describe_gauge!("component_healthy", "1 if the component works, 0 if not");
}

/// Housekeeping of the collected samples, for as long as the process runs.
pub async fn keep_up() {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        if let Some(recorder) = RECORDER.get() {
            recorder.handle.run_upkeep();
        }
    }
}

/// The metrics of this process, for a collector such as Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "operation", security(()),
    responses((status = 200, description = "Figures in the text format of Prometheus.", body = String, content_type = "text/plain")))]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let report = health::report(&app).await;
    for (name, component) in &report.components {
        if let Some(healthy) = component.is_healthy() {
            metrics::gauge!("component_healthy", "component" => *name).set(f64::from(u8::from(healthy)));
        }
    }
    if let Some(unfinished) = report.components.get("jobs").and_then(|jobs| jobs.backlog) {
        metrics::gauge!("jobs_unfinished").set(unfinished as f64);
    }
    if let Some(queue) = report.components.get("jobs").and_then(|jobs| jobs.queue) {
        metrics::gauge!("jobs_ready").set(queue.ready as f64);
        metrics::gauge!("jobs_running").set(queue.running as f64);
        metrics::gauge!("jobs_oldest_seconds").set(queue.oldest.as_secs_f64());
    }
    if let Some(bytes) = app.db.wal_bytes() {
        metrics::gauge!("sqlite_wal_bytes").set(bytes as f64);
    }
    if let Some(bytes) = resident_memory() {
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    let text = RECORDER.get().map_or(String::new(), |recorder| {
        metrics::gauge!("process_uptime_seconds").set(recorder.since.elapsed().as_secs_f64());
        recorder.handle.render()
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// Where the system says it (Linux); elsewhere the figure is left out.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}
