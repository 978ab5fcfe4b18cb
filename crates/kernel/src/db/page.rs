//! Pages of a list as SQL: filters, order and keyset from a checked [`ListRequest`]. Columns come from the list's
//! static description, values are arguments.

use super::row::FromRow;
use super::sql::{Sql, Where};
use super::tx::Tx;
use super::value::{Date, Param};
use crate::error::Result;
use crate::web::list::{Cursor, FilterValue, Key, ListRequest, Order, Page};

impl ListRequest {
    /// Adds the filters whose SQL the description holds. Those with an empty text are the store's to add.
    pub fn narrow<'a>(&'a self, conditions: &mut Where<'a>) {
        for (filter, value) in self.filters.iter().filter(|(f, _)| !f.sql.is_empty()) {
            conditions.and_built(&format!("{}?", filter.sql), vec![filter_param(value)]);
        }
    }
}

impl Tx {
    /// One page and a row more, which says whether there is another. `base` ends in a WHERE clause, `id` is the
    /// column that completes the order.
    pub async fn page<'a, R: FromRow + Send + 'static>(
        &mut self,
        base: &'static Sql<0, R>,
        request: &'a ListRequest,
        id: &'static str,
        mut conditions: Where<'a>,
    ) -> Result<Vec<R>> {
        request.narrow(&mut conditions);
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
        self.select(base, &conditions, &tail).await
    }

    /// Counts the rows that a list's filters leave, up to `bound` + 1. `base` selects any one column of them.
    pub async fn count_up_to<'a>(
        &mut self,
        base: &'static Sql<0, i64>,
        request: &'a ListRequest,
        mut conditions: Where<'a>,
        bound: u64,
    ) -> Result<u64> {
        request.narrow(&mut conditions);
        let limit = conditions.bind(i64::try_from(bound).unwrap_or(i64::MAX).saturating_add(1));
        let counted: Vec<i64> = self.select_from(base, &conditions, limit).await?;
        Ok(counted.first().copied().and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }
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
