//! Pages of a list as SQL: filters, order and keyset from a checked [`ListRequest`]. Columns come from the list's
//! static description, values are arguments.

use crate::Date;
use database::{FromRow, Param, Result, Sql, Tx, Where, compose, mentions};
use uuid::Uuid;

use super::{Cursor, FilterValue, Key, ListRequest, Order, Page};

/// Where the rows of a list come from.
pub struct Source<R: 'static> {
    /// The rows as they are shown. Ends in a WHERE clause, as the others.
    pub rows: &'static Sql<0, R>,
    /// The ids of the same rows, from the same tables under the same names.
    pub ids: &'static Sql<0, Uuid>,
    /// The ids from the list's own table alone, for what asks for no column of the others: they neither take rows away nor
    /// repeat any.
    pub own_ids: &'static Sql<0, Uuid>,
    /// The names of the others, `u` where their columns are `u.name`.
    pub others: &'static [&'static str],
    /// The column that completes the order.
    pub id: &'static str,
}

impl ListRequest {
    /// Adds the filters whose SQL the description holds. Those with an empty text are the store's to add.
    pub fn narrow<'a>(&'a self, conditions: &mut Where<'a>) {
        for (filter, value) in self.filters.iter().filter(|(f, _)| !f.sql.is_empty()) {
            conditions.and_built(&format!("{}?", filter.sql), vec![filter_param(value)]);
        }
    }

    /// Do the filters that [`ListRequest::narrow`] adds ask for a column of this table?
    pub fn filters_ask(&self, table: &str) -> bool {
        self.filters.iter().any(|(filter, _)| mentions(filter.sql, table))
    }

    /// One page and a row more, which says whether there is another. `base` ends in a WHERE clause, `id` is the
    /// column that completes the order. For what an index gives in the order that is asked for, from its beginning or from a
    /// cursor on; whatever passes over rows or sorts them is read by [`ListRequest::late_page`].
    pub async fn page<'a, R: FromRow + Send + 'static>(
        &'a self,
        tx: &mut Tx,
        base: &'static Sql<0, R>,
        id: &'static str,
        mut conditions: Where<'a>,
    ) -> Result<Vec<R>> {
        let tail = turn_to(self, id, &mut conditions);
        tx.select(base, &conditions, &tail).await
    }

    /// The same by the ids first: rows that are passed over or sorted away are never put together. The order is made twice,
    /// the second time of one page.
    pub async fn late_page<'a, R: FromRow + Send + 'static>(
        &'a self,
        tx: &mut Tx,
        source: &Source<R>,
        mut conditions: Where<'a>,
    ) -> Result<Vec<R>> {
        let tail = turn_to(self, source.id, &mut conditions);
        let asks = |other: &&str| conditions.mentions(other) || mentions(&tail, other);
        let ids = if source.others.iter().any(asks) { source.ids } else { source.own_ids };
        let ids = compose(tx.engine(), ids, &conditions, &tail);
        // How many ids there will be is not seen in the text, and for any number the planner would read all rows.
        conditions.custom_plan();
        let order = order_by(self, source.id);
        let conditions = conditions.with_text(format!(" AND {} IN ({ids})", source.id));
        tx.select(source.rows, &conditions, &format!(" ORDER BY {order}")).await
    }

    /// Counts the rows that a list's filters leave, up to `bound` + 1. `base` selects any one column of them.
    pub async fn count_up_to<'a>(
        &'a self,
        tx: &mut Tx,
        base: &'static Sql<0, i64>,
        mut conditions: Where<'a>,
        bound: u64,
    ) -> Result<u64> {
        self.narrow(&mut conditions);
        let limit = conditions.bind(i64::try_from(bound).unwrap_or(i64::MAX).saturating_add(1));
        let counted: Vec<i64> = tx.count_select(base, &conditions, limit).await?;
        Ok(counted.first().copied().and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }
}

/// Adds the filters and where the page begins; what follows them.
fn turn_to<'a>(request: &'a ListRequest, id: &str, conditions: &mut Where<'a>) -> String {
    request.narrow(conditions);
    let mut tail = format!(" ORDER BY {}", order_by(request, id));
    if let Page::Cursor(cursor) = &request.page {
        let (text, args) = after(request, cursor, id);
        conditions.and_built(&text, args);
    }
    tail.push_str(&format!(" LIMIT ${}", conditions.bind(request.fetch())));
    if let Page::Offset(n) = request.page
        && n > 0
    {
        tail.push_str(&format!(" OFFSET ${}", conditions.bind(i64::try_from(n).unwrap_or(i64::MAX))));
    }
    tail
}

fn filter_param(value: &FilterValue) -> Box<dyn Param + '_> {
    match value {
        FilterValue::Text(v) => Box::new(v.as_str()),
        FilterValue::Bool(v) => Box::new(*v),
        FilterValue::Uuid(v) => Box::new(*v),
        FilterValue::Time(v) => Box::new(*v),
        FilterValue::Date(v) => Box::new(Date(*v)),
        FilterValue::Int(v) => Box::new(*v),
    }
}

fn order_by(request: &ListRequest, id: &str) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let mut text = String::new();
    for Order { sort, descending } in &request.order {
        let nulls = if sort.nullable { " NULLS LAST" } else { "" };
        text.push_str(&format!("{} {}{nulls}, ", sort.column, direction(*descending)));
    }
    text + &format!("{id} {}", direction(request.id_descending()))
}

/// The rows after the cursor's. With one direction and no NULLs it is a comparison of rows, which an index answers
/// at any depth; otherwise it is spelled out level by level.
fn after<'a>(request: &'a ListRequest, cursor: &'a Cursor, id: &str) -> (String, Vec<Box<dyn Param + 'a>>) {
    let down = request.id_descending();
    let plain = request.order.iter().all(|o| o.descending == down && !o.sort.nullable);
    if plain {
        let columns: Vec<&str> = request.order.iter().map(|o| o.sort.column).chain([id]).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let sign = if down { "<" } else { ">" };
        let args = cursor.keys.iter().map(key_param).chain([Box::new(cursor.id) as Box<dyn Param>]).collect();
        return (format!("({}) {sign} ({marks})", columns.join(", ")), args);
    }
    let mut levels = Vec::new();
    let mut args: Vec<Box<dyn Param + 'a>> = Vec::new();
    for depth in 0..=request.order.len() {
        let mut parts = Vec::new();
        let mut level_args: Vec<Box<dyn Param + 'a>> = Vec::new();
        for (order, key) in request.order.iter().zip(&cursor.keys).take(depth) {
            match key {
                Key::Null => parts.push(format!("{} IS NULL", order.sort.column)),
                key => {
                    parts.push(format!("{} = ?", order.sort.column));
                    level_args.push(key_param(key));
                }
            }
        }
        match request.order.get(depth).zip(cursor.keys.get(depth)) {
            // NULLs come last: nothing comes after one at this level.
            Some((_, Key::Null)) => continue,
            Some((order, key)) => {
                let (column, sign) = (order.sort.column, if order.descending { "<" } else { ">" });
                let nulls = if order.sort.nullable { format!(" OR {column} IS NULL") } else { String::new() };
                parts.push(format!("({column} {sign} ?{nulls})"));
                level_args.push(key_param(key));
            }
            None => {
                parts.push(format!("{id} {} ?", if down { "<" } else { ">" }));
                level_args.push(Box::new(cursor.id));
            }
        }
        levels.push(format!("({})", parts.join(" AND ")));
        args.extend(level_args);
    }
    (format!("({})", levels.join(" OR ")), args)
}

fn key_param(key: &Key) -> Box<dyn Param + '_> {
    match key {
        Key::Null => Box::new(None::<i64>),
        Key::Text(v) => Box::new(v.as_str()),
        Key::Int(v) => Box::new(*v),
        Key::Time(v) => Box::new(*v),
        Key::Bool(v) => Box::new(*v),
        Key::Date(v) => Box::new(Date(*v)),
    }
}
