//! Log lines: JSON for machines or text for people, on standard error, because standard output belongs to
//! the answers of commands. `docs/logging.md` says what is logged and what never is.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Config, LogFormat};
use crate::log_buffer::Buffered;
pub use crate::log_buffer::flush;
use crate::log_text::Lines;
use database::STATEMENTS;

/// Our own crates: a plain level such as `debug` is meant for these.
const OWN: &[&str] = &[
    "regulars",
    "server",
    "database",
    "kernel",
    "platform",
    "identity",
    "customers",
    "bulk",
    "migrate_v1",
    "events",
];

/// Libraries that would write contents of messages, statements or connections at lower levels.
const QUIET: &[&str] =
    &["lettre", "tokio_postgres", "rustls", "hyper", "hyper_util", "reqwest", "h2", "object_store"];

/// Reads `log.level`: a level in any case (also the names that Python uses), or a filter such as
/// `info,database=debug`. A plain level below info holds for our own lines only, and some libraries never
/// say more than warnings, because what they would say can hold personal data.
pub fn filter(text: &str) -> Result<EnvFilter, String> {
    let wrong = || {
        format!(
            "`{text}` is not a level (error, warn, info, debug, trace) or a filter such as info,database=debug"
        )
    };
    // A lone word in a filter would be taken for the name of a module that logs everything.
    let lone_words_are_levels =
        text.split(',').all(|part| part.contains('=') || level(part).is_some() || part.trim() == "off");
    if !lone_words_are_levels {
        return Err(wrong());
    }
    let one = level(text);
    let mut directives: Vec<String> = match one {
        Some(level) if level > Level::INFO => {
            OWN.iter().map(|own| format!("{own}={level}")).chain(["info".to_owned()]).collect()
        }
        Some(level) => vec![level.to_string()],
        None => vec![text.to_owned()],
    };
    if one.is_none_or(|level| level >= Level::INFO) {
        directives.extend(QUIET.iter().map(|library| format!("{library}=warn")));
    }
    EnvFilter::builder().with_regex(false).parse(directives.join(",")).map_err(|_| wrong())
}

fn level(text: &str) -> Option<Level> {
    match text.trim().to_ascii_lowercase().as_str() {
        "warning" => Some(Level::WARN),
        "critical" | "fatal" => Some(Level::ERROR),
        // The library takes digits as well, which nobody means.
        digit if digit.parse::<u8>().is_ok() => None,
        other => other.parse().ok(),
    }
}

/// Starts logging for this process; a second call changes nothing. Standard error tells what the format
/// `auto` becomes.
pub fn init(config: &Config) {
    let terminal = std::io::stderr().is_terminal();
    let _ = tracing::subscriber::set_global_default(subscriber(config, terminal, Buffered::stderr()));
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
}

/// The subscriber that [`init`] installs, writing elsewhere.
pub fn subscriber<W>(config: &Config, terminal: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The configuration has checked it; a caller who changed it gets the default instead of a panic.
    let filter = filter(&config.log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let echo = if config.database.echo { "debug" } else { "off" };
    let filter = match format!("{STATEMENTS}={echo}").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let json = match config.log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let colours = terminal && config.log.colours;
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(writer);
    let chosen: Box<dyn Subscriber + Send + Sync> = if json {
        let inner = format::json().flatten_event(true).with_span_list(false);
        let service = serde_json::Value::from(config.service_name.as_str()).to_string();
        let fields = format::JsonFields::new();
        Box::new(base.fmt_fields(fields).event_format(WithService { inner, service }).finish())
    } else {
        Box::new(base.event_format(Lines).finish())
    };
    chosen
}

/// The library's JSON line with the service's name as its first member.
struct WithService {
    inner: format::Format<format::Json>,
    /// As JSON, quoted.
    service: String,
}

impl<S, N> FormatEvent<S, N> for WithService
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(256);
        self.inner.format_event(ctx, Writer::new(&mut line), event)?;
        writeln!(writer, "{{\"service_name\":{},{}", self.service, line.trim_end().trim_start_matches('{'))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use kernel::web::http_service::ACCESS;

    use super::{filter, subscriber};
    use crate::config::{Config, FileChoice, LogFormat, Sources};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a call writes with these settings.
    fn logged(level: &str, format: LogFormat, call: impl FnOnce()) -> String {
        logged_to(&[], false, level, format, call)
    }

    /// The same with variables of the environment, and perhaps on a terminal.
    fn logged_to(
        env: &[(&str, &str)],
        terminal: bool,
        level: &str,
        format: LogFormat,
        call: impl FnOnce(),
    ) -> String {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sources = Sources { file: FileChoice::Nowhere, env, ..Sources::default() };
        let mut config = Config::load(&sources).unwrap();
        config.service_name = "customer-\"service\"".into();
        config.log.level = level.into();
        config.log.format = format;
        let lines = Written::default();
        let writer = lines.clone();
        let subscriber = subscriber(&config, terminal, move || writer.clone());
        tracing::subscriber::with_default(subscriber, call);
        let bytes = lines.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_names_the_service_and_its_span() {
        let text = logged("INFO", LogFormat::Auto, || {
            let span = tracing::info_span!("request", request_id = "r-1");
            let _inside = span.enter();
            tracing::info!(target: "kernel::web", status = 200, "{{answered}}\nnext");
        });
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["service_name"], "customer-\"service\"");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "{answered}\nnext");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["request_id"], "r-1");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_line_for_people_begins_with_what_they_look_for() {
        let text = logged("info", LogFormat::Text, || {
            let (request_id, method) = ("019c-1", "GET");
            let code = Some("NOT_AUTHENTICATED");
            tracing::info!(target: ACCESS, request_id, method, route = "/api/v1/customers", status = 401u16, ms = 0.123, error_code = code, "request");
            let none: Option<&str> = None;
            tracing::info!(target: ACCESS, request_id, method, route = "none", status = 404u16, ms = 12345.678, error_code = none, "request");
            tracing::warn!(task = "a task", error = ?std::io::Error::other("no\nluck\u{1b}[2J"), ok = false, "it failed");
        });
        // After the time, whose clock stands in no test.
        let lines: Vec<&str> = text.lines().map(|line| &line["2026-11-27 16:02:12Z ".len()..]).collect();
        assert_eq!(
            lines,
            [
                "INFO  GET /api/v1/customers 401 0.1ms NOT_AUTHENTICATED 019c-1",
                "INFO  GET (no such path) 404 12346ms 019c-1",
                "WARN  it failed task=\"a task\" error=Custom { kind: Other, error: \"no\\nluck\\u{1b}[2J\" } ok=false",
            ]
        );
    }

    #[test]
    fn colours_are_for_terminals_that_take_them() {
        let escapes = |env: &[(&str, &str)], terminal| {
            logged_to(env, terminal, "info", LogFormat::Text, || tracing::info!("a line")).contains('\u{1b}')
        };
        assert!(escapes(&[], true) && escapes(&[("NO_COLOR", ""), ("TERM", "xterm")], true));
        assert!(!escapes(&[], false));
        assert!(!escapes(&[("NO_COLOR", "1")], true) && !escapes(&[("TERM", "dumb")], true));
    }

    #[test]
    fn levels_and_filters_choose_the_lines() {
        let lines = || {
            tracing::debug!(target: "database", "ours");
            tracing::debug!(target: "some_library", "theirs");
            tracing::trace!(target: "lettre::transport", "contents");
            tracing::warn!(target: "some_library", "warned");
        };
        let seen = |level| {
            let text = logged(level, LogFormat::Text, lines);
            ["ours", "theirs", "contents", "warned"].map(|word| text.contains(word))
        };
        assert_eq!(seen("Info"), [false, false, false, true]);
        assert_eq!(seen("DEBUG"), [true, false, false, true]);
        assert_eq!(seen("trace"), [true, false, false, true]);
        assert_eq!(seen("warn,some_library=debug"), [false, true, false, true]);
        assert_eq!(seen("trace,lettre=trace"), [true, true, false, true]);
        assert_eq!(seen("CRITICAL"), [false; 4]);
    }

    #[test]
    fn what_is_no_level_is_refused() {
        assert!(filter("warning").is_ok() && filter("info,database=debug").is_ok());
        for text in ["info,kernel=loud", "a=b=c", "9", "verbose", "info,kernel", ""] {
            assert!(filter(text).is_err(), "{text}");
        }
    }
}
