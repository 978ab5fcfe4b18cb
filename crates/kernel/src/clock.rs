//! Time as the product stores and shows it: UTC, microseconds, RFC 3339. The clock is injected, so a
//! test sets it; reading the system's clock anywhere else is banned in `clippy.toml`.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

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

/// Where use cases read the time. Cloning shares it.
#[derive(Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until a test moves it.
    Fixed(Arc<Standing>),
}

/// What a clock shows that stands: microseconds since 1970, and since it was made.
pub struct Standing {
    wall: AtomicI64,
    uptime: AtomicI64,
}

/// Where the time that only goes forward begins.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`].
    pub fn fixed(at: Timestamp) -> Clock {
        Clock::Fixed(Arc::new(Standing { wall: AtomicI64::new(at.as_micros()), uptime: AtomicI64::new(0) }))
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::System => Timestamp::from(jiff::Timestamp::now()),
            Clock::Fixed(at) => Timestamp::from_micros(at.wall.load(Ordering::SeqCst))
                .unwrap_or(Timestamp(jiff::Timestamp::MIN)),
        }
    }

    /// Time that only goes forward, whoever sets the clock, from a beginning of this process: for limits and waiting
    /// within it. It means nothing to another process, and nothing once this one has ended.
    pub fn monotonic(&self) -> Duration {
        match self {
            Clock::System => STARTED.elapsed(),
            Clock::Fixed(at) => {
                Duration::from_micros(u64::try_from(at.uptime.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }

    /// Lets time pass on a fixed clock; the system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Clock::Fixed(at) = self {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            at.wall.fetch_add(micros, Ordering::SeqCst);
            at.uptime.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock back, as somebody does who corrects one: no time passes.
    pub fn set_back(&self, by: Duration) {
        if let Clock::Fixed(at) = self {
            at.wall.fetch_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
