//! A calendar date.

use std::fmt;

use database::Scalar;
use database::driver::tokio_postgres::types as pg;
use database::driver::{BytesMut, rusqlite};

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
        out: &mut BytesMut,
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

impl Scalar for Date {}
