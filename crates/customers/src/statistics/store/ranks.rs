//! The largest cities and tags. `stat_total` has their counters summed over the companies, kept by triggers, and each table
//! an index in the order of size: what is read are the rows that are shown, however many names there are.
//!
//! On PostgreSQL differences wait to be folded. Whatever they name is taken out of the order and put in again with them.

use database::{args, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Scope;

use super::Named;

/// The largest of one metric over all companies. SQLite has no differences that wait.
macro_rules! of_all {
    ($metric:literal, $label:literal) => {
        sql!(
            sqlite: concat!("SELECT ", $label, " AS label, s.key, s.n
                FROM (SELECT key, n FROM stat_total WHERE metric = '", $metric, "' AND n > 0 AND key <> ''
                      ORDER BY n DESC, key LIMIT $1) s
                ORDER BY s.n DESC, s.key"),
            postgres: concat!("WITH moved AS (
                  SELECT key, CAST(sum(n) AS bigint) AS n FROM stat_delta WHERE metric = '", $metric, "' GROUP BY key)
                SELECT ", $label, " AS label, s.key, s.n
                FROM (SELECT b.key, b.n FROM (
                        (SELECT t.key, t.n FROM stat_total t
                         WHERE t.metric = '", $metric, "' AND t.n > 0 AND t.key <> '' AND t.key NOT IN (SELECT key FROM moved)
                         ORDER BY t.n DESC, t.key LIMIT $1)
                        UNION ALL
                        SELECT m.key, m.n + coalesce((SELECT t.n FROM stat_total t
                                                      WHERE t.metric = '", $metric, "' AND t.key = m.key), 0)
                        FROM moved m WHERE m.key <> '') b (key, n)
                      WHERE b.n > 0 ORDER BY b.n DESC, b.key LIMIT $1) s
                ORDER BY s.n DESC, s.key") => Named
        )
    };
}

/// The largest of one metric within a company.
macro_rules! of_company {
    ($metric:literal, $label:literal) => {
        sql!(
            sqlite: concat!("SELECT ", $label, " AS label, s.key, s.n
                FROM (SELECT key, n FROM stat_counter
                      WHERE metric = '", $metric, "' AND company = $2 AND n > 0 AND key <> ''
                      ORDER BY n DESC, key LIMIT $1) s
                ORDER BY s.n DESC, s.key"),
            postgres: concat!("WITH moved AS (
                  SELECT key, CAST(sum(n) AS bigint) AS n FROM stat_delta
                  WHERE metric = '", $metric, "' AND company = $2 GROUP BY key)
                SELECT ", $label, " AS label, s.key, s.n
                FROM (SELECT b.key, b.n FROM (
                        (SELECT t.key, t.n FROM stat_counter t
                         WHERE t.metric = '", $metric, "' AND t.company = $2 AND t.n > 0 AND t.key <> ''
                           AND t.key NOT IN (SELECT key FROM moved)
                         ORDER BY t.n DESC, t.key LIMIT $1)
                        UNION ALL
                        SELECT m.key, m.n + coalesce((SELECT t.n FROM stat_counter t
                                                      WHERE t.metric = '", $metric, "' AND t.key = m.key AND t.company = $2), 0)
                        FROM moved m WHERE m.key <> '') b (key, n)
                      WHERE b.n > 0 ORDER BY b.n DESC, b.key LIMIT $1) s
                ORDER BY s.n DESC, s.key") => Named
        )
    };
}

/// The cities with the most customers. A city is shown as the first of its customers spelled it.
pub async fn cities(tx: &mut Tx, scope: &Scope, top: i64) -> Result<Vec<Named>> {
    // The engines differ as the module says.
    if scope.all() {
        let cities = of_all!(
            "city",
            "(SELECT c.city FROM customer c WHERE c.city_key = s.key AND c.erased_at IS NULL ORDER BY c.created_at LIMIT 1)"
        );
        return tx.all(cities, args![top]).await;
    }
    let cities = of_company!(
        "city",
        "(SELECT c.city FROM customer c WHERE c.city_key = s.key AND c.erased_at IS NULL ORDER BY c.created_at LIMIT 1)"
    );
    tx.all(cities, args![top, scope.company()]).await
}

/// The tags in use, the most used first.
pub async fn tags(tx: &mut Tx, scope: &Scope, most: i64) -> Result<Vec<Named>> {
    // The engines differ as the module says.
    if scope.all() {
        let tags = of_all!("tag", "(SELECT t.name FROM tag t WHERE t.name_key = s.key)");
        return tx.all(tags, args![most]).await;
    }
    let tags = of_company!("tag", "(SELECT t.name FROM tag t WHERE t.name_key = s.key)");
    tx.all(tags, args![most, scope.company()]).await
}
