//! Records: INSERT and UPDATE made from the struct of a row.

use database::{Engine, FromRow, Kind, Record, Tx, Versioned, Written, args, row, sql};
use platform::test::{TestDb, on_both_databases};
use uuid::Uuid;

use crate::common::Side;

fn folded(name: &Option<String>) -> Option<String> {
    name.as_ref().map(|name| name.to_lowercase())
}

fn both(name: &Option<String>, colour: &Option<String>) -> String {
    format!("{} {}", name.as_deref().unwrap_or_default(), colour.as_deref().unwrap_or_default())
}

row! {
    /// A group inside a record.
    #[derive(Debug, Clone, PartialEq)]
    struct Label in "s" {
        name: Option<String> => name_key(folded) => label(both, colour),
        colour: Option<String> as "paint",
    } writes
}

row! {
    /// With a group in the middle, a column of another table, and one that is only read.
    #[derive(Debug, Clone, PartialEq)]
    struct Shelf in "s" {
        id: Uuid,
        label: Label,
        one: i64 = "(SELECT CAST(1 AS bigint))",
        things: i64 [read],
        version: i64,
    } writes
}

impl Record for Shelf {
    const TABLE: &'static str = "shelf";
}

impl Versioned for Shelf {
    const CHANGEABLE: &'static str = "things >= 0";
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
}

fn shelf(id: u128, name: &str) -> Shelf {
    let label = Label { name: Some(name.to_owned()), colour: None };
    Shelf { id: Uuid::from_u128(id), label, one: 1, things: 0, version: 1 }
}

/// The table, and on PostgreSQL an index on the colour.
async fn shelves(t: &TestDb) -> Side {
    let side = Side::open(&t.options.target).await;
    let (id, number) = match t.db.engine() {
        Engine::Sqlite => ("BLOB", "INTEGER"),
        Engine::Postgres => ("uuid", "bigint"),
    };
    side.run(&format!(
        "CREATE TABLE shelf (id {id} PRIMARY KEY, name text, name_key text, paint text,
           label text NOT NULL, things {number} NOT NULL DEFAULT 0, version {number} NOT NULL)"
    ))
    .await;
    side
}

async fn all(tx: &mut Tx) -> Vec<Shelf> {
    const LIST: &str = database::text!("SELECT ", Shelf::SELECT, " FROM shelf s ORDER BY s.id");
    tx.all(sql!(@unregistered LIST => Shelf), []).await.unwrap()
}

#[test]
fn columns_follow_the_fields() {
    assert_eq!(
        Shelf::SELECT,
        "s.id, s.name, s.paint AS colour, (SELECT CAST(1 AS bigint)) AS one, s.things, s.version"
    );
    let names: Vec<&str> = Shelf::FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(names, ["id", "name", "colour", "one", "things", "version"]);
    assert_eq!(<Shelf as Written>::COLUMNS, ["id", "name", "name_key", "label", "paint", "version"]);
}

#[test]
fn what_is_derived_differs_with_its_source() {
    let (one, mut two) = (shelf(1, "A"), shelf(1, "A"));
    let differ = |a: &Shelf, b: &Shelf| {
        let mut out = Vec::new();
        a.differ(b, &mut out);
        out
    };
    assert_eq!(differ(&one, &two), [false; 6]);
    two.label.name = Some("B".to_owned());
    two.things = 7;
    assert_eq!(differ(&one, &two), [false, true, true, true, false, false]);
    let mut three = shelf(1, "A");
    three.label.colour = Some("red".to_owned());
    assert_eq!(differ(&one, &three), [false, false, false, true, true, false], "what is derived from both");
}

#[tokio::test]
async fn what_differs_is_written_with_what_is_derived_from_it() {
    on_both_databases(async |t| {
        let side = shelves(t).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let (a, b) = (shelf(1, "Ä"), shelf(2, "B"));
        let made = tx.insert_records(&[&a, &b, &a], "ON CONFLICT (id) DO NOTHING").await.unwrap();
        assert_eq!(made, [1, 1, 0]);
        assert_eq!(all(&mut tx).await, [a.clone(), b.clone()]);
        let (mut named, mut coloured) = (a.clone(), b.clone());
        named.label.name = Some("New".to_owned());
        coloured.label.colour = Some("red".to_owned());
        // Nothing of what others wrote meanwhile into other columns is written back.
        tx.exec(sql!(@unregistered "UPDATE shelf SET things = 5, paint = 'blue' WHERE id = $1"), args![a.id])
            .await
            .unwrap();
        let c = shelf(3, "C");
        tx.insert_records(&[&c], "").await.unwrap();
        tx.update_records(&[(&a, &named), (&b, &coloured), (&c, &c)]).await.unwrap();
        let now = all(&mut tx).await;
        assert_eq!((now[0].version, now[0].things, now[0].label.colour.as_deref()), (2, 5, Some("blue")));
        assert_eq!((now[1].version, now[1].label.colour.as_deref()), (2, Some("red")));
        assert_eq!((now[2].version, now[2].label.name.as_deref()), (2, Some("C")), "the version alone");
        tx.commit().await.unwrap();
        assert_eq!(
            side.number("SELECT count(*) FROM shelf WHERE name_key = 'new' AND name = 'New'").await,
            1
        );
        assert_eq!(side.number("SELECT count(*) FROM shelf WHERE label = 'B red'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_record_that_was_changed_meanwhile_is_stale_and_takes_the_others_with_it() {
    on_both_databases(async |t| {
        let side = shelves(t).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let (a, b) = (shelf(1, "A"), shelf(2, "B"));
        tx.insert_records(&[&a, &b], "").await.unwrap();
        tx.commit().await.unwrap();
        let (mut first, mut old) = (a.clone(), b.clone());
        first.label.name = Some("changed".to_owned());
        old.label.colour = Some("red".to_owned());
        old.version = 7;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let e = tx.update_records(&[(&a, &first), (&b, &old)]).await.unwrap_err();
        assert_eq!((e.kind(), e.code()), (Kind::Stale, "CONFLICT"));
        assert!(tx.commit().await.is_err(), "nothing of it stays");
        assert_eq!(side.number("SELECT count(*) FROM shelf WHERE name = 'changed' OR version <> 1").await, 0);
    })
    .await;
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Colour {
    Red,
    Green,
}

database::column!(
    Colour as String,
    |colour| format!("{colour:?}").to_lowercase(),
    |text| match text.as_str() {
        "red" => Ok(Colour::Red),
        "green" => Ok(Colour::Green),
        _ => Err(format!("{text} is no colour").into()),
    }
);

row! {
    #[derive(Debug, PartialEq)]
    struct Painted of "painted" { id: Uuid, paint: Colour, other: Option<Colour> }
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_named_by_table_row_and_column() {
    on_both_databases(async |t| {
        let side = Side::open(&t.options.target).await;
        let id = if t.db.engine() == Engine::Sqlite { "BLOB" } else { "uuid" };
        side.run(&format!("CREATE TABLE painted (id {id} PRIMARY KEY, paint text, other text)")).await;
        let id = Uuid::from_u128(7);
        let painted = Painted { id, paint: Colour::Red, other: Some(Colour::Green) };
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        tx.insert_records(&[&painted], "").await.unwrap();
        let all = sql!(@unregistered "SELECT id, paint, other FROM painted WHERE paint <> $1" => Painted);
        assert_eq!(tx.all(all, args![Colour::Green]).await.unwrap(), [painted]);
        tx.exec(sql!(@unregistered "UPDATE painted SET other = 'mauve'"), args![]).await.unwrap();
        let e = tx.all(all, args![Colour::Green]).await.unwrap_err();
        assert_eq!(e.kind(), Kind::Internal);
        assert_eq!(e.detail(), format!("The value of other of painted in the row {id} cannot be read"));
        assert!(format!("{e:?}").contains("mauve is no colour"), "{e:?}");
    })
    .await;
}
