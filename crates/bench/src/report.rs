//! The figures, as a table for people and as JSON for comparing runs.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::machine::Machine;
use crate::scenarios::Scenario;

/// One scenario on one engine. Times in microseconds, memory in KiB.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub requests: u64,
    pub per_second: f64,
    pub p50_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    /// Processor time of the server per request.
    pub cpu_us: f64,
    /// The same of all processes of PostgreSQL; with SQLite the database is in the server.
    pub database_us: f64,
    pub resident_kib: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    #[serde(skip)]
    scenario: Scenario,
}

impl Row {
    /// `latencies` in microseconds, of everything answered well within `seconds`; `cpu` is the server's and its
    /// database's.
    pub fn new(
        scenario: Scenario,
        seconds: f64,
        latencies: &Histogram<u32>,
        cpu: (Duration, Duration),
        resident_kib: u64,
        errors: u64,
        first_error: Option<String>,
    ) -> Row {
        let requests = latencies.len();
        Row {
            name: scenario.name(),
            requests,
            per_second: requests as f64 / seconds,
            p50_us: latencies.value_at_quantile(0.50),
            p95_us: latencies.value_at_quantile(0.95),
            p99_us: latencies.value_at_quantile(0.99),
            cpu_us: cpu.0.as_secs_f64() * 1e6 / (requests.max(1) as f64),
            database_us: cpu.1.as_secs_f64() * 1e6 / (requests.max(1) as f64),
            resident_kib,
            errors,
            first_error,
            scenario,
        }
    }
}

/// A long piece of work on one engine: rows, not requests.
#[derive(Debug, Clone, Serialize)]
pub struct WorkRow {
    pub name: &'static str,
    pub rows: u64,
    /// From the request to the end of the work, in seconds.
    pub took_s: f64,
    /// Processor time of the server per row, in microseconds.
    pub cpu_us: f64,
    /// Resident memory of the server before it, and the most while it ran, in KiB.
    pub before_kib: u64,
    pub most_kib: u64,
    /// Rows per second that are wanted on SQLite (SPEC 11).
    pub wanted: f64,
}

/// The same work without our server, in the same run on the same machine.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    pub name: &'static str,
    pub per_second: f64,
    /// Microseconds per piece of work: of one thread in process, of one client with pgbench.
    pub each_us: f64,
    /// The scenario beside which it stands.
    pub beside: &'static str,
}

/// Everything measured on one engine.
#[derive(Debug, Clone, Serialize)]
pub struct EngineReport {
    pub engine: &'static str,
    /// How long building the customers took, in seconds.
    pub built_in_s: f64,
    /// Resident memory of the server after its start, before the first request.
    pub idle_kib: u64,
    pub rows: Vec<Row>,
    pub works: Vec<WorkRow>,
    pub references: Vec<Reference>,
}

/// The whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub customers: u64,
    pub connections: u64,
    pub seconds: f64,
    /// Processor time of one password hash, in microseconds.
    pub hash_us: f64,
    pub engines: Vec<EngineReport>,
}

impl Report {
    /// Were there replies other than 2xx?
    pub fn has_errors(&self) -> bool {
        self.engines.iter().flat_map(|engine| &engine.rows).any(|row| row.errors > 0)
    }

    /// The table that is printed.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let Machine { cores, cpu, kernel } = &self.machine;
        let (n, connections, seconds) = (self.customers, self.connections, self.seconds);
        line(&mut out, &format!("{cores} cores ({cpu}), Linux {kernel}"));
        line(&mut out, &format!("{n} customers, {connections} connections, {seconds} s per line"));
        line(&mut out, &format!("one password hash: {} ms of one core", millis(self.hash_us)));
        for engine in &self.engines {
            self.engine(&mut out, engine);
        }
        out
    }

    fn engine(&self, out: &mut String, engine: &EngineReport) {
        let (name, built) = (engine.engine, engine.built_in_s);
        line(
            out,
            &format!(
                "\n{name}: built in {built:.1} s, idle memory {} MiB (wanted: 60 or less)",
                engine.idle_kib / 1024
            ),
        );
        line(
            out,
            "                  requests/s   p50 ms   p95 ms   p99 ms   CPU ms    wanted   x static   MiB   errors    DB ms",
        );
        let base = engine.rows.iter().find(|row| row.scenario == Scenario::Static).map(|row| row.cpu_us);
        let hash = Duration::from_secs_f64(self.hash_us / 1e6);
        for row in &engine.rows {
            let wanted = row.scenario.target(hash).map_or("-".to_owned(), |t| millis(t.as_secs_f64() * 1e6));
            let ratio =
                base.filter(|b| *b > 0.0).map_or("-".to_owned(), |b| format!("{:.1}", row.cpu_us / b));
            let text = format!(
                "{:<16} {:>11.0} {:>8} {:>8} {:>8} {:>8} {:>9} {:>10} {:>5} {:>8} {:>8}",
                row.name,
                row.per_second,
                millis(row.p50_us as f64),
                millis(row.p95_us as f64),
                millis(row.p99_us as f64),
                millis(row.cpu_us),
                wanted,
                ratio,
                row.resident_kib / 1024,
                row.errors,
                millis(row.database_us),
            );
            line(out, &text);
        }
        if !engine.works.is_empty() {
            line(
                out,
                "                    rows        s     rows/s    wanted   CPU us/row   MiB before   most",
            );
        }
        for work in &engine.works {
            let text = format!(
                "{:<14} {:>9} {:>8.1} {:>10.0} {:>9.0} {:>12.1} {:>12} {:>6}",
                work.name,
                work.rows,
                work.took_s,
                work.rows as f64 / work.took_s,
                work.wanted,
                work.cpu_us,
                work.before_kib / 1024,
                work.most_kib / 1024,
            );
            line(out, &text);
        }
        references(out, engine);
        for row in &engine.rows {
            if let Some(error) = &row.first_error {
                line(out, &format!("{} failed {} times, the first time with {error}", row.name, row.errors));
            }
        }
    }
}

/// What the same machine does without us.
fn references(out: &mut String, engine: &EngineReport) {
    for reference in &engine.references {
        let Reference { name, per_second, each_us, beside } = reference;
        let mut text = format!("reference: {name}: {per_second:.0}/s, {} ms each", millis(*each_us));
        if let Some(row) = engine.rows.iter().find(|row| row.name == *beside) {
            text.push_str(&format!("; {beside} reaches {:.2} of it", row.per_second / per_second));
        }
        line(out, &text);
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn millis(micros: f64) -> String {
    format!("{:.3}", micros / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(errors: u64) -> Report {
        let mut latencies = Histogram::<u32>::new_with_bounds(1, 1_000_000, 3).unwrap();
        for micros in 1..=1000 {
            latencies.record(micros).unwrap();
        }
        let row = |scenario, cpu| {
            let error = (errors > 0).then(|| "status 500: no".to_owned());
            let cpu = (Duration::from_millis(cpu), Duration::from_millis(2 * cpu));
            Row::new(scenario, 2.0, &latencies, cpu, 51_200, errors, error)
        };
        let engine = EngineReport {
            engine: "sqlite",
            built_in_s: 1.0,
            idle_kib: 20_480,
            rows: vec![row(Scenario::Static, 10), row(Scenario::Get, 40)],
            works: Vec::new(),
            references: vec![Reference { name: "SELECT", per_second: 1000.0, each_us: 10.0, beside: "get" }],
        };
        let machine = Machine { cores: 2, cpu: "test".into(), kernel: "6".into() };
        Report {
            machine,
            customers: 1,
            connections: 1,
            seconds: 2.0,
            hash_us: 20_000.0,
            engines: vec![engine],
        }
    }

    #[test]
    fn the_table_shows_ratios() {
        let table = report(0).table();
        assert!(
            table.contains(
                "get                      500    0.500    0.950    0.990    0.040     0.100        4.0    50        0    0.080"
            ),
            "{table}"
        );
        assert!(table.contains("get reaches 0.50 of it"), "{table}");
    }

    #[test]
    fn an_error_is_shown_once_and_ends_the_run_badly() {
        assert!(!report(0).has_errors());
        let bad = report(3);
        assert!(
            bad.has_errors()
                && bad.table().contains("get failed 3 times, the first time with status 500: no")
        );
    }
}
