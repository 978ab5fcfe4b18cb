//! What the server's figures are held against: the same SELECT without a server, and a bare password hash.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use tokio::process::Command;

use crate::cluster::Cluster;
use crate::machine;
use crate::people::{Dice, ID_FACTOR, customer_id};
use crate::report::Reference;

/// What a GET of one customer must read at least: the columns of its reply, by the public id.
pub const SELECT: &str = "SELECT c.id, c.customer_id, c.user_id, u.unique_no, u.username, u.email, u.email_verified, \
     u.first_name, u.last_name, u.phone, u.phone_verified, u.role, u.company_id, u.version, c.address_line1, \
     c.address_line2, c.city, c.state, c.postal_code, c.country, c.country_code, c.date_of_birth, c.gender, \
     c.company_name, c.business_type, c.tax_id, c.emergency_contact_name, c.emergency_contact_phone, \
     c.emergency_contact_relationship, c.is_active, c.is_verified, c.customer_since, c.last_service_date, \
     c.total_services, c.preferred_contact_method, c.notification_preferences, c.marketing_emails, \
     c.marketing_sms, c.notes, c.tags, c.external_id, c.metadata, c.created_at, c.updated_at, c.version \
     FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.customer_id = $1 AND c.erased_at IS NULL";

/// The SELECT on SQLite, prepared, one thread, in this process.
pub fn sqlite_select(database: &Path, customers: u64, seconds: f64) -> Result<Reference> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(&SELECT.replace('$', "?"))?;
    let columns = statement.column_count();
    let mut dice = Dice::new(1);
    let started = Instant::now();
    let mut done = 0_u64;
    while started.elapsed() < Duration::from_secs_f64(seconds) {
        let mut rows = statement.query([customer_id(dice.below(customers))])?;
        let row = rows.next()?.context("a customer that was built is missing")?;
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column)?);
        }
        done += 1;
    }
    let each = started.elapsed().as_secs_f64() / done.max(1) as f64;
    Ok(Reference {
        name: "the same SELECT in process",
        per_second: 1.0 / each,
        each_us: each * 1e6,
        beside: "get",
    })
}

/// The SELECT by `pgbench -M prepared` over as many connections as the server had clients.
pub async fn pgbench(
    cluster: &Cluster,
    url: &str,
    folder: &Path,
    customers: u64,
    connections: u64,
    seconds: f64,
) -> Result<Reference> {
    // The database computes the id from the number, because pgbench's variables are numbers.
    let id = "('CUST_' || upper(lpad(to_hex(:n::bigint), 8, '0')))";
    let script = format!(
        "\\set n (random(0, {}) * {ID_FACTOR}) % 4294967296\n{};\n",
        customers.saturating_sub(1),
        SELECT.replace("$1", id)
    );
    let path = folder.join("select.pgbench");
    std::fs::write(&path, script)?;
    let whole_seconds = seconds.ceil().max(1.0).to_string();
    let output = Command::new(cluster.programs.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client"])
        .arg(connections.to_string())
        .args(["--time", &whole_seconds, "--file"])
        .arg(&path)
        .arg(url)
        .kill_on_drop(true)
        .output()
        .await
        .context("pgbench")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let tps = pgbench_tps(&printed).with_context(|| format!("pgbench printed no tps: {printed}"))?;
    let each_us = connections as f64 / tps * 1e6;
    Ok(Reference { name: "pgbench -M prepared, the same SELECT", per_second: tps, each_us, beside: "get" })
}

fn pgbench_tps(printed: &str) -> Option<f64> {
    let line = printed.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor time of one password hash with the server's parameters (SPEC 8: argon2id, 19 MiB, t=2, p=1).
pub fn hash() -> Result<Duration> {
    const TIMES: u32 = 50;
    let params = argon2::Params::new(19 * 1024, 2, 1, Some(32)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let me = std::process::id();
    let mut out = [0; 32];
    let before = machine::cpu_time(me)?;
    for _ in 0..TIMES {
        argon
            .hash_password_into(b"correct-horse", b"sixteen bytes ok", &mut out)
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        std::hint::black_box(&out);
    }
    Ok((machine::cpu_time(me)? - before) / TIMES)
}

#[cfg(test)]
mod tests {
    use super::pgbench_tps;

    #[test]
    fn reads_what_pgbench_prints() {
        let printed = "latency average = 1.2 ms\ntps = 12345.678 (without initial connection time)\n";
        assert_eq!(pgbench_tps(printed), Some(12345.678));
        assert_eq!(pgbench_tps("pgbench: error"), None);
    }
}
