//! Every statement of the product, prepared on both migrated databases: its columns must be the row type's, its
//! PostgreSQL types readable into it, its arguments as many as counted. A typo fails here with file and line.
//!
//! A statement registers itself when its crate is linked, so every crate is named below; and the sources are counted,
//! so that a crate that was forgotten, or a statement behind a `cfg`, fails as well.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bulk as _;
use customers as _;
use database::driver::{inventory, rusqlite, tokio_postgres};
use database::{Engine, Entry, FieldSpec, Target, WrittenEntry};
use events as _;
use fixtures as _;
use identity as _;
use migrate_v1 as _;
use platform::test::TestDb;
use server as _;

fn statements() -> Vec<&'static Entry> {
    let all: Vec<_> = inventory::iter::<Entry>().collect();
    assert!(all.len() > 100, "{} statements", all.len());
    all
}

/// What is wrong with the columns of a statement, if something is.
fn compare(entry: &Entry, columns: &[&str]) -> Option<String> {
    let wanted: Vec<&str> = entry.fields.iter().map(|field| field.name.trim_start_matches("r#")).collect();
    let same = wanted.len() == columns.len()
        && wanted.iter().zip(columns).all(|(wanted, column)| wanted.is_empty() || wanted == column);
    (!same).then(|| format!("{}: the row type has {wanted:?}, the statement gives {columns:?}", entry.at))
}

/// What SQLite finds wrong with a statement; nothing if it is never asked.
fn on_sqlite(conn: &rusqlite::Connection, entry: &Entry) -> Vec<String> {
    if entry.sqlite.is_empty() {
        return Vec::new();
    }
    let statement = match conn.prepare(entry.sqlite) {
        Ok(statement) => statement,
        Err(e) => return vec![format!("{}: {e}", entry.at)],
    };
    let mut wrong: Vec<String> = {
        let names: Vec<&str> = statement.column_names().collect();
        compare(entry, &names).into_iter().collect()
    };
    if statement.parameter_count() != entry.args {
        wrong.push(format!("{}: {} arguments", entry.at, statement.parameter_count()));
    }
    wrong
}

/// What PostgreSQL finds wrong with a statement; nothing if it is never asked.
async fn on_postgres(client: &tokio_postgres::Client, entry: &Entry) -> Vec<String> {
    if entry.postgres.is_empty() {
        return Vec::new();
    }
    let statement = match client.prepare(entry.postgres).await {
        Ok(statement) => statement,
        Err(e) => return vec![format!("{}: {e}: {:?}", entry.at, e.as_db_error().map(|e| e.message()))],
    };
    let names: Vec<&str> = statement.columns().iter().map(|column| column.name()).collect();
    let mut wrong: Vec<String> = compare(entry, &names).into_iter().collect();
    for (field, column) in entry.fields.iter().zip(statement.columns()) {
        if !(field.accepts)(column.type_()) {
            wrong.push(format!("{}: {} is {}; cast it", entry.at, column.name(), column.type_()));
        }
    }
    if statement.params().len() != entry.args {
        wrong.push(format!("{}: {} arguments", entry.at, statement.params().len()));
    }
    wrong
}

/// Mistakes that compile: a misspelt column, swapped columns, one too few, a sum that is numeric, a wrong count.
fn mistakes() -> Vec<(Entry, &'static str)> {
    let text = FieldSpec::new("name", <String as tokio_postgres::types::FromSql>::accepts);
    let value = FieldSpec::new("value", <String as tokio_postgres::types::FromSql>::accepts);
    let number = FieldSpec::new("n", <i64 as tokio_postgres::types::FromSql>::accepts);
    let both: &'static [FieldSpec] = Box::leak(Box::new([text, value]));
    let one: &'static [FieldSpec] = Box::leak(Box::new([number]));
    let entry = |sql: &'static str, fields, args| Entry {
        sqlite: sql,
        postgres: sql,
        at: "store.rs:7",
        fields,
        args,
    };
    vec![
        (entry("SELECT name, valu FROM setting", both, 0), "both"),
        (entry("SELECT value, name FROM setting", both, 0), "both"),
        (entry("SELECT name FROM setting", both, 0), "both"),
        (entry("SELECT name, value FROM setting WHERE name = $1", both, 2), "both"),
        (entry("SELECT sum(version) AS n FROM customer", one, 0), "postgres"),
        (entry("SELECT length(name) AS n FROM setting", one, 0), "postgres"),
        (Entry { sqlite: "", ..entry("SELECT n FROM setting", one, 0) }, "postgres"),
    ]
}

#[tokio::test]
async fn mistakes_in_statements_are_found_with_file_and_line() {
    let (lite, pg) = (TestDb::new(Engine::Sqlite).await, TestDb::new(Engine::Postgres).await);
    let (Target::Sqlite(path), Target::Postgres(url)) = (&lite.options.target, &pg.options.target) else {
        panic!("both")
    };
    let conn = rusqlite::Connection::open(path).unwrap();
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    for (mistake, engines) in mistakes() {
        let found = on_postgres(&client, &mistake).await;
        assert!(found.iter().any(|text| text.starts_with("store.rs:7")), "{}: {found:?}", mistake.postgres);
        if engines == "both" {
            assert!(!on_sqlite(&conn, &mistake).is_empty(), "{}", mistake.sqlite);
        }
    }
    drop(client);
    connection.await.unwrap().unwrap();
    pg.end().await;
    lite.end().await;
}

/// What is made of the structs whose columns are written, and where they stand.
fn written() -> Vec<(String, &'static str)> {
    let entries = inventory::iter::<WrittenEntry>.into_iter();
    entries.flat_map(|entry| entry.statements().into_iter().map(|text| (text, entry.at))).collect()
}

#[tokio::test]
async fn every_statement_fits_sqlite() {
    let db = TestDb::new(Engine::Sqlite).await;
    let Target::Sqlite(path) = &db.options.target else { panic!("a file") };
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut wrong: Vec<String> = statements().into_iter().flat_map(|entry| on_sqlite(&conn, entry)).collect();
    for (text, at) in written() {
        wrong.extend(conn.prepare(&text).err().map(|e| format!("{at}: {e}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    db.end().await;
}

#[tokio::test]
async fn every_statement_fits_postgresql() {
    let db = TestDb::new(Engine::Postgres).await;
    let Target::Postgres(url) = &db.options.target else { panic!("a URL") };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut wrong = Vec::new();
    for entry in statements() {
        wrong.extend(on_postgres(&client, entry).await);
    }
    for (text, at) in written() {
        wrong.extend(
            client.prepare(&text).await.err().map(|e| format!("{at}: {text}: {:?}", e.as_db_error())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(client);
    connection.await.unwrap().unwrap();
    db.end().await;
}

/// Texts and what is made of them, in one row: whoever writes the one writes the other.
const DERIVED: [(&str, &str, &str); 9] = [
    ("customer", "city", "city_key"),
    ("customer", "state", "state_key"),
    ("customer", "postal_code", "postal_key"),
    ("customer", "country", "country_code"),
    ("user_account", "email", "email_key"),
    ("user_account", "first_name", "name_key"),
    ("user_account", "last_name", "name_key"),
    ("user_account", "phone", "phone_digits"),
    ("user_account", "phone", "phone_e164"),
];

/// The columns that an UPDATE of this table sets; nothing if it is none.
fn assigned<'a>(table: &str, text: &'a str) -> Vec<&'a str> {
    let Some(rest) = text.trim_start().strip_prefix(&format!("UPDATE {table} SET ")) else {
        return Vec::new();
    };
    let (mut depth, mut columns) = (0i32, Vec::new());
    let words: Vec<&str> = rest.split_whitespace().collect();
    for pair in words.windows(2) {
        if depth == 0 && matches!(pair[0], "WHERE" | "FROM" | "RETURNING") {
            break;
        }
        if depth == 0 && pair[1] == "=" {
            columns.push(pair[0]);
        }
        depth += pair[0].matches('(').count() as i32 - pair[0].matches(')').count() as i32;
    }
    columns
}

#[tokio::test]
async fn no_update_leaves_a_derived_column_behind() {
    let mut wrong = Vec::new();
    for entry in statements() {
        for (table, from, derived) in DERIVED {
            let columns =
                assigned(table, if entry.sqlite.is_empty() { entry.postgres } else { entry.sqlite });
            if columns.contains(&from) && !columns.contains(&derived) {
                wrong.push(format!("{}: sets {table}.{from} without {derived}", entry.at));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let update =
        "UPDATE user_account SET email = $1, name_key = lower(a, b), version = version + 1 WHERE id = $2";
    assert_eq!(assigned("user_account", update), ["email", "name_key", "version"], "the updates are read");
    // What a record writes together stands together.
    for (table, from, derived) in DERIVED {
        let of = inventory::iter::<WrittenEntry>
            .into_iter()
            .filter(|entry| entry.table == table && entry.columns.contains(&from))
            .collect::<Vec<_>>();
        assert!(
            !of.is_empty() && of.iter().all(|entry| entry.columns.contains(&derived)),
            "{from}, {derived}"
        );
    }
    let db = TestDb::new(Engine::Sqlite).await;
    let Target::Sqlite(path) = &db.options.target else { panic!("a file") };
    let conn = rusqlite::Connection::open(path).unwrap();
    for table in ["customer", "user_account"] {
        let mut keys = conn
            .prepare("SELECT name FROM pragma_table_info(?1) WHERE name LIKE '%\\_key' ESCAPE '\\'")
            .unwrap();
        let keys = keys.query_map([table], |row| row.get::<_, String>(0)).unwrap();
        for key in keys.map(Result::unwrap) {
            assert!(
                DERIVED.iter().any(|(of, _, derived)| *of == table && *derived == key),
                "{table}.{key}: from what?"
            );
        }
    }
    db.end().await;
}

#[test]
fn every_statement_of_the_sources_is_registered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut registered = BTreeMap::<&str, usize>::new();
    for entry in statements() {
        let (file, _) = entry.at.rsplit_once(':').unwrap();
        *registered.entry(file).or_default() += 1;
    }
    let mut forgotten = Vec::new();
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let (written, known) = (count(&path), registered.get(name.as_str()).copied().unwrap_or(0));
        if known < written {
            forgotten.push(format!("{name}: {written} statements are written, {known} are registered"));
        }
    }
    assert!(forgotten.is_empty(), "name the crate above, or look for a `cfg`:\n{}", forgotten.join("\n"));
    assert!(registered.keys().any(|file| file.starts_with("crates/customers/")), "{registered:?}");
}

/// The Rust files of every crate's `src`, without tests; the benchmark is a program of its own.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("bench"))
        .map(|path| path.join("src"))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_test = stem == "tests" || stem == "test" || stem.ends_with("_tests");
            match path.is_dir() {
                _ if is_test => {}
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
                false => {}
            }
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    found
}

/// Statements that a file writes, without its comments, the definition of `sql!` itself, and its unit tests.
fn count(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    code.filter(|line| !line.trim_start().starts_with("//") && !line.contains("$crate::sql!"))
        .map(|line| line.matches("sql!(").count())
        .sum()
}
