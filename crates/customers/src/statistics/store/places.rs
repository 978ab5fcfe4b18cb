//! Counters whose keys have parts: a key begins with its country, and the next character after the separator ends the
//! keys that begin alike.

use database::{args, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Scope;

use super::{Named, Sum};
use crate::statistics::model::SEPARATOR;

/// The first text after all that begin with `beginning`, which ends with a separator or is empty: everything.
fn end_of(beginning: &str) -> String {
    match beginning.strip_suffix(SEPARATOR) {
        Some(text) => format!("{text} "),
        // Greater than every key: no text contains this character.
        None => "\u{10ffff}".to_owned(),
    }
}

/// The sum of the counters whose keys begin so.
pub async fn count_beginning(tx: &mut Tx, scope: &Scope, metric: &str, beginning: &str) -> Result<i64> {
    tx.one(
        sql!(
            "SELECT CAST(coalesce(sum(n), 0) AS bigint) AS n FROM (
               SELECT n FROM stat_counter WHERE metric = $1 AND key >= $4 AND key < $5 AND ($2 OR company = $3)
               UNION ALL
               SELECT n FROM stat_delta WHERE metric = $1 AND key >= $4 AND key < $5 AND ($2 OR company = $3)) s" => i64
        ),
        args![metric, scope.all(), scope.company(), beginning, end_of(beginning)],
    )
    .await
}

/// The sum of the counters that end so in whatever country: one look per country, of which there are few.
pub async fn count_in_countries(tx: &mut Tx, scope: &Scope, metric: &str, ending: &str) -> Result<i64> {
    tx.one(
        sql!(
            "WITH wanted AS (
               SELECT key || CAST($4 AS text) AS key FROM stat_counter WHERE metric = 'country'
               UNION SELECT key || CAST($4 AS text) AS key FROM stat_delta WHERE metric = 'country')
             SELECT CAST(coalesce(sum(n), 0) AS bigint) AS n FROM (
               SELECT n FROM stat_counter WHERE metric = $1 AND key IN (SELECT key FROM wanted) AND ($2 OR company = $3)
               UNION ALL
               SELECT n FROM stat_delta WHERE metric = $1 AND key IN (SELECT key FROM wanted) AND ($2 OR company = $3)) s" => i64
        ),
        args![metric, scope.all(), scope.company(), ending],
    )
    .await
}

/// The countries with a code.
pub async fn countries(tx: &mut Tx, scope: &Scope) -> Result<Vec<Sum>> {
    tx.all(
        sql!(
            "SELECT metric, key, CAST(sum(n) AS bigint) AS n FROM (
               SELECT metric, key, n FROM stat_counter WHERE metric = 'country' AND ($1 OR company = $2)
               UNION ALL SELECT metric, key, n FROM stat_delta WHERE metric = 'country' AND ($1 OR company = $2)) s
             WHERE key <> '' AND key <> 'other' GROUP BY metric, key HAVING sum(n) > 0" => Sum
        ),
        args![scope.all(), scope.company()],
    )
    .await
}

/// The states whose keys begin so, or all. Shown as the first of its customers spelled it.
pub async fn states(tx: &mut Tx, scope: &Scope, beginning: Option<&str>, most: i64) -> Result<Vec<Named>> {
    let beginning = beginning.unwrap_or_default();
    tx.all(
        // The engines cut texts differently.
        sql!(
            sqlite: "SELECT (SELECT c.state FROM customer c WHERE c.state_key = s.key AND c.erased_at IS NULL
                             ORDER BY c.created_at LIMIT 1) AS label, s.key, s.n
                     FROM (SELECT substr(key, instr(key, char(31)) + 1) AS key, sum(n) AS n FROM stat_counter
                           WHERE metric = 'state' AND key >= $3 AND key < $4 AND ($1 OR company = $2)
                           GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1 LIMIT $5) s
                     ORDER BY s.n DESC, s.key",
            postgres: "SELECT (SELECT c.state FROM customer c WHERE c.state_key = s.key AND c.erased_at IS NULL
                               ORDER BY c.created_at LIMIT 1) AS label, s.key, s.n
                       FROM (SELECT split_part(key, chr(31), 2) AS key, CAST(sum(n) AS bigint) AS n FROM (
                               SELECT metric, key, company, n FROM stat_counter
                               UNION ALL SELECT metric, key, company, n FROM stat_delta) b
                             WHERE metric = 'state' AND key >= $3 AND key < $4 AND ($1 OR company = $2)
                             GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1 LIMIT $5) s
                       ORDER BY s.n DESC, s.key" => Named
        ),
        args![scope.all(), scope.company(), beginning, end_of(beginning), most],
    )
    .await
}

/// The cities whose keys begin so, or all; of one state, or of all.
pub async fn cities_of(
    tx: &mut Tx,
    scope: &Scope,
    beginning: Option<&str>,
    state: Option<&str>,
    most: i64,
) -> Result<Vec<Named>> {
    let beginning = beginning.unwrap_or_default();
    tx.all(
        // As above.
        sql!(
            sqlite: "SELECT (SELECT c.city FROM customer c WHERE c.city_key = s.key AND c.erased_at IS NULL
                             ORDER BY c.created_at LIMIT 1) AS label, s.key, s.n
                     FROM (SELECT substr(rest, 1, instr(rest, char(31)) - 1) AS key, sum(n) AS n FROM (
                             SELECT substr(key, instr(key, char(31)) + 1) AS rest, n FROM stat_counter
                             WHERE metric = 'place' AND key >= $3 AND key < $4 AND ($1 OR company = $2)) b
                           WHERE $6 IS NULL OR substr(rest, instr(rest, char(31)) + 1) = $6
                           GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1 LIMIT $5) s
                     ORDER BY s.n DESC, s.key",
            postgres: "SELECT (SELECT c.city FROM customer c WHERE c.city_key = s.key AND c.erased_at IS NULL
                               ORDER BY c.created_at LIMIT 1) AS label, s.key, s.n
                       FROM (SELECT split_part(key, chr(31), 2) AS key, CAST(sum(n) AS bigint) AS n FROM (
                               SELECT metric, key, company, n FROM stat_counter
                               UNION ALL SELECT metric, key, company, n FROM stat_delta) b
                             WHERE metric = 'place' AND key >= $3 AND key < $4 AND ($1 OR company = $2)
                               AND (CAST($6 AS text) IS NULL OR split_part(key, chr(31), 3) = $6)
                             GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1 LIMIT $5) s
                       ORDER BY s.n DESC, s.key" => Named
        ),
        args![scope.all(), scope.company(), beginning, end_of(beginning), most, state],
    )
    .await
}
