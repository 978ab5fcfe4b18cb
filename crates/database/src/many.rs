//! Many values as one argument, for a statement that looks all of them up at once. A JSON list in SQLite, an array in
//! PostgreSQL: `sql!(sqlite: "… WHERE k IN (SELECT value FROM json_each($1))", postgres: "… WHERE k = ANY($1)")`. With
//! [`Ids`] the first is `(SELECT unhex(value) FROM json_each($1))`.

use bytes::BytesMut;
use tokio_postgres::types as pg;
use uuid::Uuid;

/// Texts as one argument. Without NUL, as everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

/// Ids as one argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids(pub Vec<Uuid>);

impl<S: Into<String>> FromIterator<S> for Texts {
    fn from_iter<I: IntoIterator<Item = S>>(values: I) -> Texts {
        Texts(values.into_iter().map(Into::into).collect())
    }
}

impl FromIterator<Uuid> for Ids {
    fn from_iter<I: IntoIterator<Item = Uuid>>(values: I) -> Ids {
        Ids(values.into_iter().collect())
    }
}

impl rusqlite::ToSql for Texts {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let json = serde_json::to_string(&self.0);
        json.map(Into::into).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
    }
}

impl rusqlite::ToSql for Ids {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let mut json = String::with_capacity(self.0.len() * 35 + 2);
        json.push('[');
        for (i, id) in self.0.iter().enumerate() {
            json.push_str(if i > 0 { ",\"" } else { "\"" });
            json.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
            json.push('"');
        }
        json.push(']');
        Ok(json.into())
    }
}

/// As the array of the element's type.
macro_rules! array {
    ($name:ty, $element:ty) => {
        impl pg::ToSql for $name {
            fn to_sql(
                &self,
                ty: &pg::Type,
                out: &mut BytesMut,
            ) -> Result<pg::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                pg::ToSql::to_sql(&self.0, ty, out)
            }
            fn accepts(ty: &pg::Type) -> bool {
                <Vec<$element> as pg::ToSql>::accepts(ty)
            }
            pg::to_sql_checked!();
        }
    };
}
array!(Texts, String);
array!(Ids, Uuid);
