//! Log lines for people: when, how grave, what, and last the id to search for. A request reads as it was asked:
//! `GET /api/v1/customers 401 0.1ms NOT_AUTHENTICATED 019c…`.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use kernel::web::http_service::ACCESS;

/// The format.
pub struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let colours = out.has_ansi_escapes();
        let paint = |code: &'static str| if colours { code } else { "" };
        let (dim, reset) = (paint("\u{1b}[2m"), paint("\u{1b}[0m"));
        let level = *event.metadata().level();
        write!(out, "{dim}{}{reset} {}{level:<5}{reset} ", time(), paint(colour(level)))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        match event.metadata().target() == ACCESS {
            true => fields.write_access(&mut out, paint)?,
            false => fields.write(&mut out)?,
        }
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<FormattedFields<N>>().filter(|f| !f.is_empty()) {
                write!(out, " {dim}{of_span}{reset}")?;
            }
        }
        writeln!(out)
    }
}

/// To the second, in UTC as everywhere.
fn time() -> String {
    let mut text = String::with_capacity(32);
    // Writing to a text does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    format!("{}Z", text.get(..19).unwrap_or(&text).replacen('T', " ", 1))
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        _ => "\u{1b}[34m",
    }
}

/// The fields of one event, in their order, as text.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, value)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.others.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    fn write(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.others.iter().try_for_each(|(name, value)| write!(out, " {name}={value}"))
    }

    fn write_access(
        &self,
        out: &mut Writer<'_>,
        paint: impl Fn(&'static str) -> &'static str,
    ) -> fmt::Result {
        let field = |name| self.get(name).unwrap_or_default();
        let route = match field("route") {
            "none" => "(no such path)",
            route => route,
        };
        let status = field("status");
        let mark = match status.as_bytes().first() {
            Some(b'4') => paint("\u{1b}[33m"),
            Some(b'5') => paint("\u{1b}[31m"),
            _ => "",
        };
        let end = if mark.is_empty() { "" } else { paint("\u{1b}[0m") };
        let ms: f64 = field("ms").parse().unwrap_or_default();
        let digits = usize::from(ms < 100.0);
        write!(out, "{} {route} {mark}{status}{end} {ms:.digits$}ms", field("method"))?;
        if let Some(code) = self.get("error_code") {
            write!(out, " {code}")?;
        }
        write!(out, " {}", field("request_id"))
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let plain = field.name() == "message" || !value.is_empty() && !value.contains([' ', '"', '=']);
        let text = if plain { escaped(value) } else { format!("{value:?}") };
        self.add(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, escaped(&format!("{value:?}")));
    }
}

/// One line, and nothing that steers a terminal.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
