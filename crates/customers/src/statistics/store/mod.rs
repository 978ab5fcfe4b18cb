//! Every statement on the counters. A number is the sum of its counter and its differences.
//!
//! - here: writing, folding, the figures of an overview;
//! - `ranks`: the largest cities and tags;
//! - `places`: countries, states and cities within them.

mod places;
mod ranks;

use database::Engine;
use database::{args, row, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::model::Counter;
pub use places::{cities_of, count_beginning, count_in_countries, countries, states};
pub use ranks::{cities, tags};

row! {
    /// A counter, summed over the companies of a scope.
    pub struct Sum { pub metric: String, pub key: String, pub n: i64 }
}

row! {
    /// A counter of one company.
    pub struct Stored { pub metric: String, pub key: String, pub company: Uuid, pub n: i64 }
}

row! {
    /// A city, state or tag with one of its spellings, and how many customers it has.
    pub struct Named {
        /// One of its spellings, if somebody has it still.
        pub label: Option<String>,
        /// Folded.
        pub key: String,
        /// How many customers.
        pub n: i64,
    }
}

/// Differences that one statement takes; what is not used counts nothing.
const AT_ONCE: usize = 16;

/// Adds differences to the counters.
pub async fn add(tx: &mut Tx, differences: &[(Uuid, Counter, i64)]) -> Result<()> {
    let none = (Uuid::nil(), ("total", String::new()), 0);
    let sets: Vec<_> = differences
        .chunks(AT_ONCE)
        .map(|chunk| {
            let d: [&(Uuid, Counter, i64); AT_ONCE] = std::array::from_fn(|i| chunk.get(i).unwrap_or(&none));
            args![
                d[0].1.0, d[0].1.1, d[0].0, d[0].2, d[1].1.0, d[1].1.1, d[1].0, d[1].2, d[2].1.0, d[2].1.1,
                d[2].0, d[2].2, d[3].1.0, d[3].1.1, d[3].0, d[3].2, d[4].1.0, d[4].1.1, d[4].0, d[4].2,
                d[5].1.0, d[5].1.1, d[5].0, d[5].2, d[6].1.0, d[6].1.1, d[6].0, d[6].2, d[7].1.0, d[7].1.1,
                d[7].0, d[7].2, d[8].1.0, d[8].1.1, d[8].0, d[8].2, d[9].1.0, d[9].1.1, d[9].0, d[9].2,
                d[10].1.0, d[10].1.1, d[10].0, d[10].2, d[11].1.0, d[11].1.1, d[11].0, d[11].2, d[12].1.0,
                d[12].1.1, d[12].0, d[12].2, d[13].1.0, d[13].1.1, d[13].0, d[13].2, d[14].1.0, d[14].1.1,
                d[14].0, d[14].2, d[15].1.0, d[15].1.1, d[15].0, d[15].2,
            ]
        })
        .collect();
    tx.exec_many(
            // SQLite has one writer, which adds at once. On PostgreSQL every transaction would wait for the row of the
            // total, so it appends, and `fold` adds later.
            sql!(
                sqlite: "INSERT INTO stat_counter (metric, key, company, n)
                         SELECT column1, column2, column3, column4 FROM (VALUES
                           ($1, $2, $3, $4), ($5, $6, $7, $8), ($9, $10, $11, $12), ($13, $14, $15, $16),
                           ($17, $18, $19, $20), ($21, $22, $23, $24), ($25, $26, $27, $28), ($29, $30, $31, $32),
                           ($33, $34, $35, $36), ($37, $38, $39, $40), ($41, $42, $43, $44), ($45, $46, $47, $48),
                           ($49, $50, $51, $52), ($53, $54, $55, $56), ($57, $58, $59, $60), ($61, $62, $63, $64))
                         WHERE column4 <> 0
                         ON CONFLICT (metric, key, company) DO UPDATE SET n = n + excluded.n",
                postgres: "INSERT INTO stat_delta (metric, key, company, n)
                           SELECT column1, column2, column3, column4 FROM (VALUES
                             ($1::text, $2::text, $3::uuid, $4::bigint), ($5, $6, $7, $8), ($9, $10, $11, $12), ($13, $14, $15, $16),
                             ($17, $18, $19, $20), ($21, $22, $23, $24), ($25, $26, $27, $28), ($29, $30, $31, $32),
                             ($33, $34, $35, $36), ($37, $38, $39, $40), ($41, $42, $43, $44), ($45, $46, $47, $48),
                             ($49, $50, $51, $52), ($53, $54, $55, $56), ($57, $58, $59, $60), ($61, $62, $63, $64)) d
                           WHERE column4 <> 0"
            ),
            &sets,
        )
        .await
        .map(drop)
}

/// Is there something to fold or to sweep?
pub async fn has_work(tx: &mut Tx) -> Result<bool> {
    tx.one(
        sql!(
            "SELECT EXISTS (SELECT 1 FROM stat_delta) OR EXISTS (SELECT 1 FROM stat_counter WHERE n = 0)
               OR EXISTS (SELECT 1 FROM stat_total t WHERE t.n = 0
                    AND NOT EXISTS (SELECT 1 FROM stat_counter c WHERE c.metric = t.metric AND c.key = t.key)) AS n" => bool
        ),
        [],
    )
    .await
}

/// Deletes up to 1000 counters at zero, such as of a city that nobody lives in any more, and as many sums without counters.
pub async fn sweep(tx: &mut Tx) -> Result<u64> {
    let counters = tx.exec(
        // PostgreSQL: what another process just folds is left for the next time, so that none waits for the other.
        sql!(
            sqlite: "DELETE FROM stat_counter WHERE (metric, key, company) IN
                       (SELECT metric, key, company FROM stat_counter WHERE n = 0 LIMIT 1000)",
            postgres: "DELETE FROM stat_counter WHERE (metric, key, company) IN
                         (SELECT metric, key, company FROM stat_counter WHERE n = 0 LIMIT 1000 FOR UPDATE SKIP LOCKED)"
        ),
        [],
    )
    .await?;
    let sums = tx
        .exec(
            // As above. A sum with counters stays: the next change of one adds to it.
            sql!(
                sqlite: "DELETE FROM stat_total WHERE (metric, key) IN
                           (SELECT t.metric, t.key FROM stat_total t WHERE t.n = 0
                              AND NOT EXISTS (SELECT 1 FROM stat_counter c WHERE c.metric = t.metric AND c.key = t.key)
                            LIMIT 1000)",
                postgres: "DELETE FROM stat_total WHERE (metric, key) IN
                             (SELECT t.metric, t.key FROM stat_total t WHERE t.n = 0
                                AND NOT EXISTS (SELECT 1 FROM stat_counter c WHERE c.metric = t.metric AND c.key = t.key)
                              LIMIT 1000 FOR UPDATE SKIP LOCKED)"
            ),
            [],
        )
        .await?;
    Ok(counters + sums)
}

/// Adds up to 10,000 differences to their counters and deletes them; says how many counters changed. Two processes take
/// different rows, and both go through the counters in one order. On SQLite nothing is appended.
pub async fn fold(tx: &mut Tx) -> Result<u64> {
    if tx.engine() == Engine::Sqlite {
        return Ok(0);
    }
    tx.exec(
        sql!(
            postgres: "WITH gone AS (
                         DELETE FROM stat_delta WHERE seq IN
                           (SELECT seq FROM stat_delta ORDER BY seq LIMIT 10000 FOR UPDATE SKIP LOCKED)
                         RETURNING metric, key, company, n)
                       INSERT INTO stat_counter (metric, key, company, n)
                       SELECT metric, key, company, CAST(sum(n) AS bigint) FROM gone
                       GROUP BY metric, key, company ORDER BY metric, key, company
                       ON CONFLICT (metric, key, company) DO UPDATE SET n = stat_counter.n + excluded.n"
        ),
        [],
    )
    .await
}

/// One number.
pub async fn count(tx: &mut Tx, scope: &Scope, metric: &str, key: &str) -> Result<i64> {
    tx.one(
        sql!(
            "SELECT CAST(coalesce(sum(n), 0) AS bigint) AS n FROM (
               SELECT n FROM stat_counter WHERE metric = $1 AND key = $4 AND ($2 OR company = $3)
               UNION ALL SELECT n FROM stat_delta WHERE metric = $1 AND key = $4 AND ($2 OR company = $3)) s" => i64
        ),
        args![metric, scope.all(), scope.company(), key],
    )
    .await
}

/// Everything but the cities, of which only that there is none, and of the days of creation those from `since`. Bounded:
/// the countries, two hundred years, the days of a year, those of a month.
///
/// In three parts, each a search: beside a condition for all of them, and after a look at how few metrics there are, both
/// engines would rather read every counter, and of cities there are as many as names that somebody typed.
pub async fn sums(tx: &mut Tx, scope: &Scope, since: &str) -> Result<Vec<Sum>> {
    macro_rules! parts {
        ($table:literal) => {
            concat!(
                "SELECT metric, key, n FROM ",
                $table,
                " WHERE metric IN ('total', 'active', 'verified', 'business', 'services', 'gender', 'birth_year', 'birth_day',
                    'country') AND ($1 OR company = $2)
                  UNION ALL SELECT metric, key, n FROM ",
                $table,
                " WHERE metric = 'created' AND key >= $3 AND ($1 OR company = $2)
                  UNION ALL SELECT metric, key, n FROM ",
                $table,
                " WHERE metric = 'city' AND key = '' AND ($1 OR company = $2)"
            )
        };
    }
    macro_rules! summed {
        ($counters:literal) => {
            concat!(
                "SELECT metric, key, CAST(sum(n) AS bigint) AS n FROM (",
                parts!($counters),
                " UNION ALL ",
                parts!("stat_delta"),
                ") s GROUP BY metric, key HAVING sum(n) <> 0"
            )
        };
    }
    tx.all(
        // SQLite knows how many rows a metric has on average alone, which cities make many.
        sql!(
            sqlite: summed!("stat_counter INDEXED BY sqlite_autoindex_stat_counter_1"),
            postgres: summed!("stat_counter") => Sum
        ),
        args![scope.all(), scope.company(), since],
    )
    .await
}

/// Every counter of every company, for the comparison with a full count; by key, in pages.
pub async fn page(tx: &mut Tx, after: &Stored) -> Result<Vec<Stored>> {
    tx.all(
        sql!(
            "SELECT metric, key, company, CAST(sum(n) AS bigint) AS n FROM (
               SELECT metric, key, company, n FROM stat_counter UNION ALL SELECT metric, key, company, n FROM stat_delta) s
             WHERE (metric, key, company) > ($1, $2, $3)
             GROUP BY metric, key, company ORDER BY metric, key, company LIMIT 5000" => Stored
        ),
        args![after.metric, after.key, after.company],
    )
    .await
}
