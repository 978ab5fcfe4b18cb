//! Long work, measured in rows: an import, a change of many customers, an export. One at a time, on a server that has
//! nothing else to do, because that is how somebody would time it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use hyper::Method;
use platform::test::pictures as hostile;
use serde_json::{Value, json};

use crate::http::{Call, Connection};
use crate::people::{Person, customer_id};
use crate::report::WorkRow;
use crate::scenarios::World;
use crate::server::Server;

/// How often memory and progress are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Longer than any of them may take.
const PATIENCE: Duration = Duration::from_secs(3600);
/// People that imports add lie beyond those that the scenarios create.
const FIRST_IMPORTED: u64 = 5_000_000_000;

/// One kind of long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Work {
    /// A CSV file of new customers, a tenth of those that were built.
    Import,
    /// One member of all customers that the filter finds.
    BulkUpdate,
    /// All customers as CSV.
    Export,
    /// Three pictures that are small as files and large in memory.
    Pictures,
}

impl Work {
    /// All, in the order in which they run.
    pub const ALL: [Work; 4] = [Work::Export, Work::BulkUpdate, Work::Import, Work::Pictures];

    /// As it is printed, and as `--only-work` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Work::Import => "import",
            Work::BulkUpdate => "bulk-update",
            Work::Export => "export",
            Work::Pictures => "pictures",
        }
    }

    /// Rows per second that are wanted on SQLite (SPEC 11).
    fn wanted(self) -> f64 {
        match self {
            Work::Import => 10_000.0,
            Work::BulkUpdate => 20_000.0,
            Work::Export => 50_000.0,
            Work::Pictures => 0.0,
        }
    }
}

/// Does one piece of work and watches the server meanwhile.
pub async fn drive(server: &Server, world: &World, work: Work) -> Result<WorkRow> {
    let file = (work == Work::Import).then(|| people_as_csv(world.customers / 10));
    let before_kib = server.resident_kib()?;
    let cpu = server.cpu_time()?;
    let started = Instant::now();
    let mut most_kib = before_kib;
    let doing = async {
        match work {
            Work::Import => import(world, file.unwrap_or_default()).await,
            Work::BulkUpdate => bulk_update(world).await,
            Work::Export => export(world).await,
            Work::Pictures => pictures(world).await,
        }
    };
    let mut doing = std::pin::pin!(doing);
    let rows = loop {
        tokio::select! {
            rows = &mut doing => break rows.with_context(|| work.name())?,
            () = tokio::time::sleep(LOOK) => most_kib = most_kib.max(server.resident_kib()?),
        }
    };
    let took = started.elapsed();
    let cpu = server.cpu_time()?.saturating_sub(cpu);
    Ok(WorkRow {
        name: work.name(),
        rows,
        took_s: took.as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / rows.max(1) as f64,
        before_kib,
        most_kib: most_kib.max(server.resident_kib()?),
        wanted: work.wanted(),
    })
}

async fn import(world: &World, file: Bytes) -> Result<u64> {
    let mut connection = Connection::open(world.address).await?;
    let path = "/api/v1/customers/import?mode=create";
    let reply = connection.upload(Method::POST, path, &world.api_key, "text/csv", file).await?.json()?;
    let done = job(&mut connection, world, &reply).await?;
    let created = number(&done, "created")?;
    ensure!(created == world.customers / 10, "not every row became a customer: {done}");
    Ok(created)
}

async fn bulk_update(world: &World) -> Result<u64> {
    let mut connection = Connection::open(world.address).await?;
    let body = json!({"filter": {"is_active": true}, "updates": {"notes": "seen in the benchmark"}});
    let call = Call::send(Method::POST, "/api/v1/customers/bulk-update", Some(&world.api_key), body);
    let reply = connection.call(call).await?.json()?;
    let done = job(&mut connection, world, &reply).await?;
    number(&done, "updated")
}

/// Whether they are taken is for the server to say, as long as it says so.
async fn pictures(world: &World) -> Result<u64> {
    let mut connection = Connection::open(world.address).await?;
    let path = format!("/api/v1/customers/{}/avatar", customer_id(0));
    let pictures = [
        ("image/png", hostile::png_with_profile(300 << 20)),
        ("image/jpeg", hostile::progressive_jpeg(7071, 7071)),
        ("image/png", hostile::large_png(7071)),
    ];
    let mut sent = 0;
    for (kind, picture) in pictures {
        let reply = connection.upload(Method::PUT, &path, &world.api_key, kind, picture.into()).await?;
        ensure!(matches!(reply.status, 200 | 422), "{}", reply.describe());
        sent += 1;
    }
    Ok(sent)
}

/// Waits until a job is over.
async fn job(connection: &mut Connection, world: &World, job: &Value) -> Result<Value> {
    let id = job["id"].as_str().with_context(|| format!("no job in {job}"))?.to_owned();
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let call = Call::get(format!("/api/v1/jobs/{id}"), Some(&world.api_key));
        let job = connection.call(call).await?.json()?;
        match job["state"].as_str() {
            Some("waiting" | "running") => tokio::time::sleep(LOOK).await,
            Some("done") => return Ok(job),
            _ => bail!("the job ended otherwise: {job}"),
        }
    }
    bail!("the job took longer than {PATIENCE:?}")
}

fn number(job: &Value, name: &str) -> Result<u64> {
    job["progress"][name].as_u64().with_context(|| format!("no {name} in {job}"))
}

async fn export(world: &World) -> Result<u64> {
    let mut connection = Connection::open(world.address).await?;
    let path = "/api/v1/customers/export?format=csv";
    let mut lines = 0_u64;
    connection.download(path, &world.api_key, |piece| lines += count_lines(piece)).await?;
    ensure!(lines > world.customers, "only {lines} lines");
    // Without the header.
    Ok(lines - 1)
}

fn count_lines(piece: &[u8]) -> u64 {
    piece.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn people_as_csv(number: u64) -> Bytes {
    let mut text = String::from(
        "first_name,last_name,email,phone,address_line1,city,state,postal_code,country,date_of_birth,gender,tags\n",
    );
    for n in FIRST_IMPORTED..FIRST_IMPORTED + number {
        let p = Person::number(n);
        let cells = [
            p.first_name,
            p.last_name,
            &p.email,
            &p.phone,
            &p.address_line1,
            p.place.city,
            p.place.state,
            &p.postal_code,
            p.place.country,
            &p.date_of_birth,
            p.gender.unwrap_or_default(),
            p.tag.unwrap_or_default(),
        ];
        let cells =
            cells.map(|cell| if cell.contains([',', '"']) { format!("\"{cell}\"") } else { cell.to_owned() });
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    Bytes::from(text)
}
