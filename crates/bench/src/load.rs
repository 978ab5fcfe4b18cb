//! A closed loop: each connection sends its next request when the reply to the last one is there.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;

use crate::cluster::Cluster;
use crate::http::Connection;
use crate::report::Row;
use crate::scenarios::{Scenario, Worker, World};
use crate::server::Server;

/// Requests before the measured time fill caches and let connections settle.
const WARM_UP: Duration = Duration::from_millis(500);
/// Longest latency that is told apart, in microseconds.
const LONGEST: u64 = 60_000_000;

/// What one connection saw in the measured time.
struct Tally {
    /// Microseconds per request.
    latencies: Histogram<u32>,
    errors: u64,
    first_error: Option<String>,
}

/// Runs one scenario for `seconds` over `connections` and reads the processor time of the server and its database around
/// it.
pub async fn drive(
    server: &Server,
    cluster: Option<&Cluster>,
    world: &World,
    scenario: Scenario,
    connections: u64,
    seconds: f64,
) -> Result<Row> {
    let workers = Worker::all(world, scenario, connections).await?;
    let warm = Instant::now() + WARM_UP;
    let end = warm + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(work(worker, warm, end))).collect();
    tokio::time::sleep_until(warm.into()).await;
    let database = || cluster.map_or(Ok(Duration::ZERO), Cluster::cpu_time);
    let before = (server.cpu_time()?, database()?);
    tokio::time::sleep_until(end.into()).await;
    let cpu = (server.cpu_time()?.saturating_sub(before.0), database()?.saturating_sub(before.1));

    let mut all = Histogram::<u32>::new_with_bounds(1, LONGEST, 3)?;
    let (mut errors, mut first_error) = (0, None);
    for task in tasks {
        let tally = task.await??;
        all.add(&tally.latencies)?;
        errors += tally.errors;
        first_error = first_error.or(tally.first_error);
    }
    if all.is_empty() && first_error.is_none() {
        return Err(anyhow!("{}: no request was answered within {seconds} s", scenario.name()));
    }
    Ok(Row::new(scenario, seconds, &all, cpu, server.resident_kib()?, errors, first_error))
}

async fn work(mut worker: Worker, warm: Instant, end: Instant) -> Result<Tally> {
    let mut tally =
        Tally { latencies: Histogram::new_with_bounds(1, LONGEST, 3)?, errors: 0, first_error: None };
    let mut connection = Connection::open(worker.address()).await?;
    loop {
        let call = worker.call();
        let sent = Instant::now();
        if sent >= end {
            return Ok(tally);
        }
        let reply = connection.call(call).await;
        let answered = Instant::now();
        let outcome = match reply {
            Ok(reply) if (200..300).contains(&reply.status) => worker.learn(&reply.body),
            Ok(reply) => Err(anyhow!(reply.describe())),
            Err(error) => {
                connection = Connection::open(worker.address()).await?;
                Err(error.context("the connection broke"))
            }
        };
        // Errors count at any time; latencies only of what was answered within the measured time.
        match outcome {
            Ok(()) if answered >= warm && answered < end => {
                let micros = u64::try_from((answered - sent).as_micros()).unwrap_or(LONGEST);
                tally.latencies.saturating_record(micros);
            }
            Ok(()) => {}
            Err(error) => {
                tally.errors += 1;
                tally.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}
