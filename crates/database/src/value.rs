//! What goes into a statement and what comes out: the two drivers' own traits, joined.

use tokio_postgres::types as pg;

/// An argument of a statement. Everything that both drivers can send is one.
pub trait Param: Send + Sync {
    /// For SQLite.
    fn sqlite(&self) -> &dyn rusqlite::ToSql;
    /// For PostgreSQL.
    fn postgres(&self) -> &(dyn pg::ToSql + Sync);
}

impl<T: rusqlite::ToSql + pg::ToSql + Send + Sync> Param for T {
    fn sqlite(&self) -> &dyn rusqlite::ToSql {
        self
    }
    fn postgres(&self) -> &(dyn pg::ToSql + Sync) {
        self
    }
}

/// A value of a result row. Everything that both drivers can read is one.
pub trait Column: rusqlite::types::FromSql + for<'a> pg::FromSql<'a> {}
impl<T: rusqlite::types::FromSql + for<'a> pg::FromSql<'a>> Column for T {}

/// Lets a type stand in statements and rows as another one: how it is written, and how it is read. A stored value that
/// cannot be read is an error that names its column (see [`FromRow::from_row`](crate::FromRow::from_row)).
///
/// ```
/// #[derive(Debug, PartialEq)]
/// struct Colour(u8);
/// database::column!(Colour as i64, |colour| i64::from(colour.0), |n| Ok(Colour(u8::try_from(n)?)));
/// ```
#[macro_export]
macro_rules! column {
    ($name:ty as $stored:ty, $write:expr, $read:expr) => {
        const _: () = {
            type Failure = Box<dyn std::error::Error + Send + Sync>;
            const WRITE: fn(&$name) -> $stored = $write;
            const READ: fn($stored) -> Result<$name, Failure> = $read;

            impl $crate::Scalar for $name {}
            impl $crate::driver::rusqlite::ToSql for $name {
                fn to_sql(
                    &self,
                ) -> $crate::driver::rusqlite::Result<$crate::driver::rusqlite::types::ToSqlOutput<'_>>
                {
                    Ok(WRITE(self).into())
                }
            }
            impl $crate::driver::rusqlite::types::FromSql for $name {
                fn column_result(
                    value: $crate::driver::rusqlite::types::ValueRef<'_>,
                ) -> $crate::driver::rusqlite::types::FromSqlResult<Self> {
                    use $crate::driver::rusqlite::types::{FromSql, FromSqlError};
                    READ(<$stored as FromSql>::column_result(value)?).map_err(FromSqlError::Other)
                }
            }
            impl $crate::driver::tokio_postgres::types::ToSql for $name {
                fn to_sql(
                    &self,
                    ty: &$crate::driver::tokio_postgres::types::Type,
                    out: &mut $crate::driver::BytesMut,
                ) -> Result<$crate::driver::tokio_postgres::types::IsNull, Failure> {
                    $crate::driver::tokio_postgres::types::ToSql::to_sql(&WRITE(self), ty, out)
                }
                fn accepts(ty: &$crate::driver::tokio_postgres::types::Type) -> bool {
                    <$stored as $crate::driver::tokio_postgres::types::ToSql>::accepts(ty)
                }
                $crate::driver::tokio_postgres::types::to_sql_checked!();
            }
            impl<'a> $crate::driver::tokio_postgres::types::FromSql<'a> for $name {
                fn from_sql(
                    ty: &$crate::driver::tokio_postgres::types::Type,
                    raw: &'a [u8],
                ) -> Result<Self, Failure> {
                    READ(<$stored as $crate::driver::tokio_postgres::types::FromSql>::from_sql(ty, raw)?)
                }
                fn accepts(ty: &$crate::driver::tokio_postgres::types::Type) -> bool {
                    <$stored as $crate::driver::tokio_postgres::types::FromSql>::accepts(ty)
                }
            }
        };
    };
}

/// A JSON value. TEXT in SQLite, jsonb in PostgreSQL (which orders members its own way).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Json(pub serde_json::Value);

impl rusqlite::ToSql for Json {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}
impl rusqlite::types::FromSql for Json {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(rusqlite::types::FromSqlError::other)
    }
}
impl pg::ToSql for Json {
    fn to_sql(
        &self,
        ty: &pg::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<pg::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.to_sql(ty, out)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::JSONB
    }
    pg::to_sql_checked!();
}
impl<'a> pg::FromSql<'a> for Json {
    fn from_sql(ty: &pg::Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        serde_json::Value::from_sql(ty, raw).map(Json)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::JSONB
    }
}
