//! What goes into a statement and what comes out: the two drivers' own traits, joined.

use std::fmt;

use tokio_postgres::types as pg;

use crate::clock::Timestamp;

/// An argument of a statement. Everything that both drivers can send is one.
pub trait Param: Send + Sync {
    /// For SQLite.
    fn lite(&self) -> &dyn rusqlite::ToSql;
    /// For PostgreSQL.
    fn pg(&self) -> &(dyn pg::ToSql + Sync);
}

impl<T: rusqlite::ToSql + pg::ToSql + Send + Sync> Param for T {
    fn lite(&self) -> &dyn rusqlite::ToSql {
        self
    }
    fn pg(&self) -> &(dyn pg::ToSql + Sync) {
        self
    }
}

/// A value of a result row. Everything that both drivers can read is one.
pub trait Column: rusqlite::types::FromSql + for<'a> pg::FromSql<'a> {}
impl<T: rusqlite::types::FromSql + for<'a> pg::FromSql<'a>> Column for T {}

/// Lets a newtype stand in statements and rows: `column!(Username as String)`. The type is a tuple struct
/// around the stored type, with `From<stored type>` that trusts what the database holds.
#[macro_export]
macro_rules! column {
    ($name:ty as $stored:ty) => {
        impl $crate::db::driver::rusqlite::ToSql for $name {
            fn to_sql(
                &self,
            ) -> $crate::db::driver::rusqlite::Result<$crate::db::driver::rusqlite::types::ToSqlOutput<'_>>
            {
                $crate::db::driver::rusqlite::ToSql::to_sql(&self.0)
            }
        }
        impl $crate::db::driver::rusqlite::types::FromSql for $name {
            fn column_result(
                value: $crate::db::driver::rusqlite::types::ValueRef<'_>,
            ) -> $crate::db::driver::rusqlite::types::FromSqlResult<Self> {
                <$stored as $crate::db::driver::rusqlite::types::FromSql>::column_result(value)
                    .map(<$name>::from)
            }
        }
        impl $crate::db::driver::tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &$crate::db::driver::tokio_postgres::types::Type,
                out: &mut $crate::db::driver::BytesMut,
            ) -> Result<
                $crate::db::driver::tokio_postgres::types::IsNull,
                Box<dyn std::error::Error + Sync + Send>,
            > {
                $crate::db::driver::tokio_postgres::types::ToSql::to_sql(&self.0, ty, out)
            }
            fn accepts(ty: &$crate::db::driver::tokio_postgres::types::Type) -> bool {
                <$stored as $crate::db::driver::tokio_postgres::types::ToSql>::accepts(ty)
            }
            $crate::db::driver::tokio_postgres::types::to_sql_checked!();
        }
        impl<'a> $crate::db::driver::tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(
                ty: &$crate::db::driver::tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                <$stored as $crate::db::driver::tokio_postgres::types::FromSql>::from_sql(ty, raw)
                    .map(<$name>::from)
            }
            fn accepts(ty: &$crate::db::driver::tokio_postgres::types::Type) -> bool {
                <$stored as $crate::db::driver::tokio_postgres::types::FromSql>::accepts(ty)
            }
        }
    };
}

/// INTEGER microseconds in SQLite, timestamptz in PostgreSQL.
impl rusqlite::ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.as_micros().into())
    }
}
impl rusqlite::types::FromSql for Timestamp {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let micros = value.as_i64()?;
        Timestamp::from_micros(micros).ok_or(rusqlite::types::FromSqlError::OutOfRange(micros))
    }
}
impl pg::ToSql for Timestamp {
    fn to_sql(
        &self,
        ty: &pg::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<pg::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.to_jiff().to_sql(ty, out)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::TIMESTAMPTZ
    }
    pg::to_sql_checked!();
}
impl<'a> pg::FromSql<'a> for Timestamp {
    fn from_sql(ty: &pg::Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        jiff::Timestamp::from_sql(ty, raw).map(Timestamp::from)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::TIMESTAMPTZ
    }
}

/// A calendar date. TEXT `YYYY-MM-DD` in SQLite, date in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Date(pub jiff::civil::Date);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl From<jiff::civil::Date> for Date {
    fn from(date: jiff::civil::Date) -> Date {
        Date(date)
    }
}
impl utoipa::PartialSchema for Date {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .into()
    }
}
impl utoipa::ToSchema for Date {}
impl rusqlite::ToSql for Date {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}
impl rusqlite::types::FromSql for Date {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        value.as_str()?.parse().map(Date).map_err(rusqlite::types::FromSqlError::other)
    }
}
impl pg::ToSql for Date {
    fn to_sql(
        &self,
        ty: &pg::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<pg::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.to_sql(ty, out)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::DATE
    }
    pg::to_sql_checked!();
}
impl<'a> pg::FromSql<'a> for Date {
    fn from_sql(ty: &pg::Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        jiff::civil::Date::from_sql(ty, raw).map(Date)
    }
    fn accepts(ty: &pg::Type) -> bool {
        *ty == pg::Type::DATE
    }
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
