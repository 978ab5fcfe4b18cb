//! Values come back as they went in, on both engines.

use database::Json;
use database::Kind;
use database::{args, row, sql};
use kernel::Date;
use kernel::clock::Timestamp;
use platform::test::on_both_databases;
use proptest::prelude::{Just, Strategy, any, prop};
use proptest::prop_oneof;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::common::Side;

row! {
    #[derive(Debug, Clone, PartialEq)]
    struct Values {
        id: Uuid,
        at: Timestamp,
        day: Date,
        json: Json,
        yes: bool,
        n: i64,
        x: f64,
        body: Vec<u8>,
        word: String,
        maybe_at: Option<Timestamp>,
        maybe_day: Option<Date>,
        maybe_json: Option<Json>,
        maybe_yes: Option<bool>,
        maybe_n: Option<i64>,
        maybe_x: Option<f64>,
        maybe_body: Option<Vec<u8>>,
        maybe_word: Option<String>,
        maybe_id: Option<Uuid>,
    }
}

const SQLITE: &str = "CREATE TABLE thing (id BLOB PRIMARY KEY, at INTEGER NOT NULL, day TEXT NOT NULL, json TEXT NOT NULL,
  yes INTEGER NOT NULL, n INTEGER NOT NULL, x REAL NOT NULL, body BLOB NOT NULL, word TEXT NOT NULL, maybe_at INTEGER,
  maybe_day TEXT, maybe_json TEXT, maybe_yes INTEGER, maybe_n INTEGER, maybe_x REAL, maybe_body BLOB, maybe_word TEXT,
  maybe_id BLOB) STRICT";
const POSTGRES: &str = "CREATE TABLE thing (id uuid PRIMARY KEY, at timestamptz NOT NULL, day date NOT NULL,
  json jsonb NOT NULL, yes boolean NOT NULL, n bigint NOT NULL, x double precision NOT NULL, body bytea NOT NULL,
  word text NOT NULL, maybe_at timestamptz, maybe_day date, maybe_json jsonb, maybe_yes boolean, maybe_n bigint,
  maybe_x double precision, maybe_body bytea, maybe_word text, maybe_id uuid)";

async fn things(side: &Side) {
    side.run(if matches!(side, Side::Sqlite(_)) { SQLITE } else { POSTGRES }).await;
}

/// Years 1 to 9999, to the microsecond.
fn times() -> impl Strategy<Value = Timestamp> {
    let first = "0001-01-01T00:00:00Z".parse::<Timestamp>().unwrap().as_micros();
    let last = "9999-12-30T21:59:59.999999Z".parse::<Timestamp>().unwrap().as_micros();
    prop_oneof![Just(first), Just(last), Just(-1), Just(0), first..=last]
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

fn days() -> impl Strategy<Value = Date> {
    (1i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date(jiff::civil::date(y, m, d)))
}

/// All of Unicode except NUL, which PostgreSQL's text cannot hold.
fn words() -> impl Strategy<Value = String> {
    let characters =
        prop_oneof![any::<char>(), Just('\u{1}'), Just('\''), Just('\\'), Just('$'), Just('?'), Just('ß')];
    prop::collection::vec(characters.prop_filter("NUL", |c| *c != '\0'), 0..30).prop_map(String::from_iter)
}

/// Numbers are whole: jsonb keeps fractions as decimals, and a float's text may change.
fn jsons() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        words().prop_map(serde_json::Value::from),
    ];
    let tree = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(words(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    tree.prop_map(Json)
}

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)]
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        Just(f64::INFINITY)
    ]
}

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn values() -> impl Strategy<Value = Values> {
    let maybe = prop::option::of;
    let sure = (uuids(), times(), days(), jsons(), any::<bool>(), numbers(), floats(), bytes(), words());
    let open = (
        maybe(times()),
        prop::option::of(days()),
        prop::option::of(jsons()),
        prop::option::of(any::<bool>()),
        prop::option::of(numbers()),
        prop::option::of(floats()),
        prop::option::of(bytes()),
        prop::option::of(words()),
        prop::option::of(uuids()),
    );
    (sure, open).prop_map(|((id, at, day, json, yes, n, x, body, word), open)| {
        let (maybe_at, maybe_day, maybe_json, maybe_yes, maybe_n, maybe_x, maybe_body, maybe_word, maybe_id) =
            open;
        Values {
            id,
            at,
            day,
            json,
            yes,
            n,
            x,
            body,
            word,
            maybe_at,
            maybe_day,
            maybe_json,
            maybe_yes,
            maybe_n,
            maybe_x,
            maybe_body,
            maybe_word,
            maybe_id,
        }
    })
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    on_both_databases(async |t| {
        let side = Side::open(&t.options.target).await;
        things(&side).await;
        let insert = sql!(
            "INSERT INTO thing (id, at, day, json, yes, n, x, body, word, maybe_at, maybe_day, maybe_json, maybe_yes, maybe_n,
               maybe_x, maybe_body, maybe_word, maybe_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        );
        let all = sql!(
            "SELECT id, at, day, json, yes, n, x, body, word, maybe_at, maybe_day, maybe_json, maybe_yes, maybe_n, maybe_x,
               maybe_body, maybe_word, maybe_id FROM thing WHERE id = $1 AND word = $2 AND at = $3 AND yes = $4" => Values
        );
        // The same cases in every run, and no shrinking: a failure prints the row.
        let mut runner = TestRunner::deterministic();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        for _ in 0..80 {
            let v = values().new_tree(&mut runner).unwrap().current();
            let c = v.clone();
            let args = args![
                c.id, c.at, c.day, c.json, c.yes, c.n, c.x, c.body, c.word, c.maybe_at, c.maybe_day, c.maybe_json,
                c.maybe_yes, c.maybe_n, c.maybe_x, c.maybe_body, c.maybe_word, c.maybe_id
            ];
            tx.exec(insert, args).await.unwrap_or_else(|e| panic!("{e:?}: {v:?}"));
            // Found by its values as well: they compare as they were sent.
            let found = tx.one(all, args![v.id, v.word, v.at, v.yes]).await;
            assert_eq!(found.unwrap_or_else(|e| panic!("{e:?}: {v:?}")), v);
        }
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn times_and_texts_sort_alike_on_both_engines() {
    on_both_databases(async |t| {
        let side = Side::open(&t.options.target).await;
        side.run(if matches!(side, Side::Sqlite(_)) {
            "CREATE TABLE sorted (at INTEGER, day TEXT, word TEXT) STRICT"
        } else {
            "CREATE TABLE sorted (at timestamptz, day date, word text COLLATE \"C\")"
        })
        .await;
        let mut runner = TestRunner::deterministic();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let (mut all_times, mut all_days, mut all_words) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..40 {
            let (at, day, word) = (times(), days(), words()).new_tree(&mut runner).unwrap().current();
            let insert = sql!("INSERT INTO sorted (at, day, word) VALUES ($1, $2, $3)");
            tx.exec(insert, args![at, day, word]).await.unwrap();
            all_times.push(at);
            all_days.push(day);
            all_words.push(word);
        }
        all_times.sort();
        all_days.sort();
        all_words.sort();
        assert_eq!(
            tx.all(sql!("SELECT at FROM sorted ORDER BY at" => Timestamp), []).await.unwrap(),
            all_times
        );
        assert_eq!(tx.all(sql!("SELECT day FROM sorted ORDER BY day" => Date), []).await.unwrap(), all_days);
        assert_eq!(
            tx.all(sql!("SELECT word FROM sorted ORDER BY word" => String), []).await.unwrap(),
            all_words
        );
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_null_where_none_may_be_is_an_error_and_not_a_value() {
    on_both_databases(async |t| {
        let mut read = t.db.read(&t.usage()).await.unwrap();
        let none = sql!("SELECT max(name) AS name FROM setting" => String);
        assert_eq!(read.one(none, []).await.unwrap_err().kind(), Kind::Internal);
        let open = sql!("SELECT max(name) AS name FROM setting" => Option<String>);
        assert_eq!(read.one(open, []).await.unwrap(), None);
        assert_eq!(read.opt(sql!("SELECT name FROM setting" => String), []).await.unwrap(), None);
        let missing = read.one(sql!("SELECT name FROM setting" => String), []).await.unwrap_err();
        assert_eq!(missing.kind(), Kind::Internal);
    })
    .await;
}
