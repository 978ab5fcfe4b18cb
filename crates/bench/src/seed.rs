//! Writes N customers straight into a migrated database, with the rows that creating them through the API would
//! leave: user, customer, event. SQLite by prepared inserts, PostgreSQL by COPY; both from one description per table.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use customers::customer::model::postal_key;
use futures_util::SinkExt;
use identity::users::model::{Email, username_base};
use kernel::TextValue;
use kernel::text::search_key;
use rusqlite::types::Value;
use uuid::Uuid;

use crate::people::{Person, TAGS, customer_id};

/// Customers per transaction.
const BATCH: u64 = 20_000;
/// Appends what is different in every customer to its city.
pub const DISTINCT_CITIES: &str = "UPDATE customer SET city = city || ' ' || substr(customer_id, 6),
    city_key = city_key || ' ' || lower(substr(customer_id, 6))";
/// Below this number of the first user (`USER-10000000`) there are none.
const FIRST_UNIQUE_NO: u64 = 10_000_000;

/// A value of a column, in the forms that both databases share.
#[derive(Debug)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    /// Microseconds since 1970.
    Time(i64),
    Uuid(Uuid),
    /// Text, JSON, and dates: PostgreSQL reads all three from text.
    Text(String),
}

type Fields = Vec<(&'static str, Cell)>;
/// Describes the row of person number `n` in one table, if there is one.
type Describe = fn(u64, &Person) -> Result<Option<Fields>>;

fn text(value: impl Into<String>) -> Cell {
    Cell::Text(value.into())
}

fn optional(value: Option<impl Into<String>>) -> Cell {
    value.map_or(Cell::Null, text)
}

fn number(n: u64) -> Cell {
    Cell::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The tables in an order that satisfies their references. Columns left out are NULL.
const TABLES: [(&str, Describe); 5] = [
    ("user_account", user),
    ("customer", customer),
    ("tag", tag),
    ("customer_tag", customer_tag),
    ("event", event),
];

fn user(n: u64, p: &Person) -> Result<Option<Fields>> {
    let email = Email::parse(&p.email).ok().with_context(|| format!("unusable address {}", p.email))?;
    // The number keeps it unique; generated names have digits of the same sort.
    let base = username_base(p.first_name, p.last_name, Some(&email));
    Ok(Some(vec![
        ("id", Cell::Uuid(p.user_id)),
        ("unique_no", number(FIRST_UNIQUE_NO + n)),
        ("username", text(format!("{base}{n:04}"))),
        ("email", text(email.as_str())),
        ("email_key", text(email.key())),
        ("email_verified", Cell::Bool(false)),
        ("first_name", text(p.first_name)),
        ("last_name", text(p.last_name)),
        ("name_key", text(search_key(&format!("{} {}", p.last_name, p.first_name)))),
        ("phone", text(&p.phone)),
        ("phone_digits", text(p.phone.trim_start_matches('+'))),
        // Made in this form; looking each up in the numbering plans would take most of the building's time.
        ("phone_e164", text(&p.phone)),
        ("phone_verified", Cell::Bool(false)),
        ("role", text("customer")),
        ("is_active", Cell::Bool(true)),
        ("created_at", Cell::Time(p.created_at)),
        ("updated_at", Cell::Time(p.created_at)),
        ("version", Cell::Int(1)),
    ]))
}

fn customer(n: u64, p: &Person) -> Result<Option<Fields>> {
    Ok(Some(vec![
        ("id", Cell::Uuid(p.id)),
        ("customer_id", text(customer_id(n))),
        ("user_id", Cell::Uuid(p.user_id)),
        ("address_line1", text(&p.address_line1)),
        ("city", text(p.place.city)),
        ("city_key", text(search_key(p.place.city))),
        ("state", text(p.place.state)),
        ("state_key", text(search_key(p.place.state))),
        ("postal_code", text(&p.postal_code)),
        ("postal_key", text(postal_key(&p.postal_code))),
        ("country", text(p.place.country)),
        ("country_code", text(p.place.country_code)),
        ("date_of_birth", text(&p.date_of_birth)),
        ("gender", optional(p.gender)),
        ("company_name", optional(p.company_name.as_deref())),
        ("is_active", Cell::Bool(!n.is_multiple_of(20))),
        ("is_verified", Cell::Bool(p.is_verified)),
        ("customer_since", Cell::Time(p.created_at)),
        ("total_services", Cell::Int(p.total_services)),
        ("preferred_contact_method", text("email")),
        ("notification_preferences", text("{}")),
        ("marketing_emails", Cell::Bool(p.marketing_emails)),
        ("marketing_sms", Cell::Bool(false)),
        ("tags", text(p.tag.unwrap_or_default())),
        ("metadata", text("{}")),
        ("created_at", Cell::Time(p.created_at)),
        ("updated_at", Cell::Time(p.created_at)),
        ("version", Cell::Int(1)),
    ]))
}

/// The first customers bring the tags.
fn tag(n: u64, p: &Person) -> Result<Option<Fields>> {
    let place = usize::try_from(n).ok().and_then(|n| TAGS.get(n));
    Ok(place.map(|name| {
        vec![
            ("id", Cell::Uuid(tag_id(name))),
            ("name", text(*name)),
            ("name_key", text(search_key(name))),
            ("created_at", Cell::Time(p.created_at)),
        ]
    }))
}

fn customer_tag(_: u64, p: &Person) -> Result<Option<Fields>> {
    Ok(p.tag.map(|name| vec![("tag_id", Cell::Uuid(tag_id(name))), ("customer_id", Cell::Uuid(p.id))]))
}

fn tag_id(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

fn event(n: u64, p: &Person) -> Result<Option<Fields>> {
    Ok(Some(vec![
        ("seq", number(n + 1)),
        ("id", Cell::Uuid(p.event_id)),
        ("at", Cell::Time(p.created_at)),
        ("actor_kind", text("system")),
        ("actor_name", text("bench")),
        ("request_id", text(format!("seed-{n}"))),
        ("action", text("customer.created")),
        ("subject_type", text("customer")),
        ("subject_id", Cell::Uuid(p.id)),
        ("subject_ref", text(customer_id(n))),
        ("customer_id", Cell::Uuid(p.id)),
        ("fields", text("[]")),
    ]))
}

/// Builds the customers in a SQLite file. No server may write to it meanwhile.
pub fn sqlite(database: &Path, customers: u64) -> Result<Duration> {
    let started = Instant::now();
    ensure!(database.exists(), "{} was not created by `regulars migrate`", database.display());
    let mut connection = rusqlite::Connection::open(database)?;
    // Thrown away when the machine fails; the server that is measured opens it with its own settings.
    connection.pragma_update(None, "synchronous", "OFF")?;
    for first in (0..customers).step_by(usize::try_from(BATCH)?) {
        let people = batch(first, customers);
        let tx = connection.transaction()?;
        for (table, describe) in TABLES {
            insert(&tx, table, describe, first, &people)?;
        }
        tx.commit()?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(started.elapsed())
}

fn batch(first: u64, customers: u64) -> Vec<Person> {
    (first..customers.min(first + BATCH)).map(Person::number).collect()
}

fn insert(
    tx: &rusqlite::Transaction<'_>,
    table: &str,
    describe: Describe,
    first: u64,
    people: &[Person],
) -> Result<()> {
    for (n, person) in (first..).zip(people) {
        let Some(fields) = describe(n, person)? else { continue };
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({places})", names.join(", "));
        let values = fields.into_iter().map(|(_, cell)| lite(cell));
        tx.prepare_cached(&sql)?
            .execute(rusqlite::params_from_iter(values))
            .with_context(|| table.to_owned())?;
    }
    Ok(())
}

fn lite(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(yes) => Value::Integer(i64::from(yes)),
        Cell::Int(n) | Cell::Time(n) => Value::Integer(n),
        Cell::Uuid(id) => Value::Blob(id.as_bytes().to_vec()),
        Cell::Text(text) => Value::Text(text),
    }
}

/// Builds the customers in a PostgreSQL database.
pub async fn postgres(client: &mut tokio_postgres::Client, customers: u64) -> Result<Duration> {
    let started = Instant::now();
    for first in (0..customers).step_by(usize::try_from(BATCH)?) {
        let people = batch(first, customers);
        let tx = client.transaction().await?;
        for (table, describe) in TABLES {
            copy(&tx, table, describe, first, &people).await?;
        }
        tx.commit().await?;
    }
    let next = FIRST_UNIQUE_NO + customers;
    client.batch_execute(&format!("SELECT setval('user_account_unique_no', {next}, false)")).await?;
    vacuum_postgres(client).await?;
    Ok(started.elapsed())
}

/// Does at once what PostgreSQL would do by itself some minutes after so much was written, beside what is measured.
pub async fn vacuum_postgres(client: &tokio_postgres::Client) -> Result<()> {
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

async fn copy(
    tx: &tokio_postgres::Transaction<'_>,
    table: &str,
    describe: Describe,
    first: u64,
    people: &[Person],
) -> Result<()> {
    let rows = (first..).zip(people).filter_map(|(n, person)| describe(n, person).transpose());
    let mut rows = rows.peekable();
    let Some(Ok(example)) = rows.peek() else { return Ok(()) };
    let names: Vec<&str> = example.iter().map(|(name, _)| *name).collect();
    let sink = tx.copy_in(&format!("COPY {table} ({}) FROM STDIN", names.join(", "))).await?;
    let mut sink = std::pin::pin!(sink);
    let mut lines = String::new();
    for fields in rows {
        for (i, (_, cell)) in fields?.into_iter().enumerate() {
            if i > 0 {
                lines.push('\t');
            }
            copy_text(&mut lines, &cell)?;
        }
        lines.push('\n');
        if lines.len() > 60_000 {
            sink.send(Bytes::from(std::mem::take(&mut lines))).await?;
        }
    }
    sink.send(Bytes::from(lines)).await?;
    sink.finish().await.with_context(|| table.to_owned())?;
    Ok(())
}

/// COPY's text form.
fn copy_text(line: &mut String, cell: &Cell) -> Result<()> {
    match cell {
        Cell::Null => line.push_str("\\N"),
        Cell::Bool(yes) => line.push(if *yes { 't' } else { 'f' }),
        Cell::Int(n) => line.push_str(&n.to_string()),
        Cell::Time(micros) => line.push_str(&jiff::Timestamp::from_microsecond(*micros)?.to_string()),
        Cell::Uuid(id) => line.push_str(&id.to_string()),
        Cell::Text(text) => {
            for c in text.chars() {
                match c {
                    '\\' => line.push_str("\\\\"),
                    '\t' => line.push_str("\\t"),
                    '\n' => line.push_str("\\n"),
                    '\r' => line.push_str("\\r"),
                    other => line.push(other),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use database::{Engine, Target};
    use platform::test::TestDb;

    use super::*;
    use crate::references::SELECT;

    const CUSTOMERS: u64 = 300;

    #[tokio::test]
    async fn sqlite_takes_everything_and_no_reference_dangles() {
        let test = TestDb::new(Engine::Sqlite).await;
        let Target::Sqlite(path) = &test.options.target else { panic!("another engine") };
        sqlite(path, CUSTOMERS).unwrap();
        let db = rusqlite::Connection::open(path).unwrap();
        for (table, _) in TABLES {
            let n: i64 =
                db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
            let wanted = match table {
                "tag" => 3,
                "customer_tag" => 3 * 41,
                _ => 300,
            };
            assert_eq!(n, wanted, "{table}");
        }
        assert!(!db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap());
        let mut select = db.prepare(&SELECT.replace('$', "?")).unwrap();
        let email: String = select.query_row([customer_id(7)], |row| row.get("email")).unwrap();
        assert_eq!(email, Person::number(7).email);
        test.end().await;
    }

    #[tokio::test]
    async fn postgres_takes_the_same() {
        let test = TestDb::new(Engine::Postgres).await;
        let Target::Postgres(url) = &test.options.target else { panic!("another engine") };
        let mut client = crate::cluster::connect(url).await.unwrap();
        postgres(&mut client, CUSTOMERS).await.unwrap();
        let row = client.query_one(SELECT, &[&customer_id(7)]).await.unwrap();
        let person = Person::number(7);
        assert_eq!(row.get::<_, &str>("email"), person.email);
        assert_eq!(row.get::<_, &str>("first_name"), person.first_name);
        assert_eq!(row.get::<_, jiff::Timestamp>("created_at").as_microsecond(), person.created_at);
        let next = client.query_one("SELECT nextval('user_account_unique_no')", &[]).await.unwrap();
        assert_eq!(next.get::<_, i64>(0), 10_000_300);
        drop(client);
        test.end().await;
    }
}
