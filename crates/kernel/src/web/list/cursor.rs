//! The cursor: the sort keys of the last row that the caller has seen, as base64url of compact JSON. It
//! holds nothing that the caller did not just read, so it is neither signed nor secret; every part of it
//! is checked when it comes back.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Key, Keyed, Kind, ListRequest, Order};
use crate::clock::Timestamp;
use crate::web::field::is_storable;
use crate::{Error, Result};

/// The row to continue after.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// Its sort keys, in the order of [`ListRequest::order`].
    pub keys: Vec<Key>,
    /// Its id.
    pub id: Uuid,
    /// How many rows came before, as far as the caller counted.
    pub position: u64,
}

fn invalid(why: &str) -> Error {
    let detail = format!("{why}; start again without `cursor`, and then use `next_cursor` as it is");
    Error::bad_request("CURSOR_INVALID", detail)
}

/// The cursor that continues after `row`.
pub(super) fn after<R: Keyed>(request: &ListRequest, row: &R, position: u64) -> String {
    let keys: Vec<Value> = request.order.iter().map(|o| write_key(&row.sort_key(o.sort.name))).collect();
    let text = json!([request.sort_text(), position, keys, row.id()]).to_string();
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// Reads a cursor that [`after`] wrote for the same order.
pub(super) fn read(text: &str, sort: &str, order: &[Order]) -> Result<Cursor> {
    let broken = || invalid("`cursor` is not one that this list gave out");
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| broken())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| broken())?;
    let [of, position, keys, id] = value.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(broken());
    };
    if of.as_str().ok_or_else(broken)? != sort {
        return Err(invalid("`cursor` belongs to another order; repeat the `sort` that it was made with"));
    }
    let keys = keys.as_array().filter(|keys| keys.len() == order.len()).ok_or_else(broken)?;
    let read = order.iter().zip(keys).map(|(order, key)| read_key(order.sort.kind, order.sort.nullable, key));
    Ok(Cursor {
        keys: read.collect::<Option<Vec<Key>>>().ok_or_else(broken)?,
        id: id.as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(broken)?,
        position: position.as_u64().filter(|n| *n <= super::parse::MAX_OFFSET).ok_or_else(broken)?,
    })
}

fn write_key(key: &Key) -> Value {
    match key {
        Key::Null => Value::Null,
        Key::Text(text) => json!(text),
        Key::Int(n) => json!(n),
        Key::Time(t) => json!(t.as_micros()),
        Key::Bool(b) => json!(b),
        Key::Date(d) => json!(d.to_string()),
    }
}

fn read_key(kind: Kind, nullable: bool, value: &Value) -> Option<Key> {
    match (kind, value) {
        (_, Value::Null) => nullable.then_some(Key::Null),
        (Kind::Text, Value::String(text)) => (!text.contains('\0')).then(|| Key::Text(text.clone())),
        (Kind::Int, value) => value.as_i64().map(Key::Int),
        (Kind::Time, value) => {
            let time = value.as_i64().and_then(Timestamp::from_micros);
            let date = |t: &Timestamp| t.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
            time.filter(|t| is_storable(date(t))).map(Key::Time)
        }
        (Kind::Bool, value) => value.as_bool().map(Key::Bool),
        (Kind::Date, value) => value.as_str()?.parse().ok().filter(|date| is_storable(*date)).map(Key::Date),
        (Kind::Text, _) => None,
    }
}
