//! Time as the product stores and shows it: UTC, microseconds, RFC 3339. The clock is injected, so a
//! test sets it; reading the system's clock anywhere else is banned in `clippy.toml`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use database::Scalar;
use database::driver::tokio_postgres::types as pg;
use database::driver::{BytesMut, rusqlite};

/// An instant in UTC, truncated to microseconds, which is what both databases keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// From microseconds since 1970; `None` outside the years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Option<Timestamp> {
        jiff::Timestamp::from_microsecond(micros).ok().map(Timestamp)
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since 1970, as JWT claims have them.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The instant as `jiff` has it, for calendar arithmetic.
    pub fn to_jiff(self) -> jiff::Timestamp {
        self.0
    }

    /// Later by `d`; stays at the last representable instant instead of overflowing.
    pub fn plus(self, d: Duration) -> Timestamp {
        let micros = i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.as_micros().saturating_add(micros))
            .unwrap_or(Timestamp(jiff::Timestamp::MAX))
    }

    /// Earlier by `d`; stays at the first representable instant.
    pub fn minus(self, d: Duration) -> Timestamp {
        let micros = i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.as_micros().saturating_sub(micros))
            .unwrap_or(Timestamp(jiff::Timestamp::MIN))
    }

    /// The time since `earlier`, zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(
            u64::try_from(self.as_micros().saturating_sub(earlier.as_micros())).unwrap_or(0),
        )
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(t: jiff::Timestamp) -> Timestamp {
        Timestamp(jiff::Timestamp::from_microsecond(t.as_microsecond()).unwrap_or(t))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(s: &str) -> Result<Timestamp, jiff::Error> {
        s.parse::<jiff::Timestamp>().map(Timestamp::from)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}
impl utoipa::ToSchema for Timestamp {}

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
        out: &mut BytesMut,
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

impl Scalar for Timestamp {}

/// Where use cases read the time. Cloning shares it.
#[derive(Clone, Default)]
pub enum Clock {
    /// The machine's clocks.
    #[default]
    System,
    /// Clocks that stand still until a test moves them.
    Fixed(Arc<FixedClock>),
}

/// What a fixed clock shows.
pub struct FixedClock {
    /// Microseconds since 1970.
    wall: AtomicI64,
    /// Microseconds since the start of the machine.
    uptime: AtomicI64,
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`].
    pub fn fixed(at: Timestamp) -> Clock {
        Clock::Fixed(Arc::new(FixedClock { wall: AtomicI64::new(at.as_micros()), uptime: AtomicI64::new(0) }))
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::System => Timestamp::from(jiff::Timestamp::now()),
            Clock::Fixed(clock) => Timestamp::from_micros(clock.wall.load(Ordering::SeqCst))
                .unwrap_or(Timestamp(jiff::Timestamp::MIN)),
        }
    }

    /// Time since the start of the machine, also while it was suspended: for measuring, because nobody can set it.
    /// Another machine's says nothing here.
    pub fn uptime(&self) -> Duration {
        match self {
            Clock::System => uptime(),
            Clock::Fixed(clock) => {
                Duration::from_micros(u64::try_from(clock.uptime.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }

    /// Lets time pass on a fixed clock; the system's clocks are left alone.
    pub fn advance(&self, by: Duration) {
        if let Clock::Fixed(clock) = self {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            clock.wall.fetch_add(by, Ordering::SeqCst);
            clock.uptime.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock, as an operator corrects one: no time passes.
    pub fn set(&self, at: Timestamp) {
        if let Clock::Fixed(clock) = self {
            clock.wall.store(at.as_micros(), Ordering::SeqCst);
        }
    }
}

/// `CLOCK_BOOTTIME`: the monotonic clock of Linux stands still while the machine is suspended.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
}
