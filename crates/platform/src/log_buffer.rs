//! Standard error with a buffer: a request writes one line, and a system call for each would be a tenth of its cost.
//! Lines appear after a tenth of a second at the latest, warnings and errors at once, and everything when the process
//! ends in order; a process that is killed takes the last lines with it.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait.
const WAIT: Duration = Duration::from_millis(100);
/// A buffer of this size is written at once.
const FULL: usize = 32 * 1024;

static LINES: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

/// Makes writers of whole lines; all share one buffer.
#[derive(Clone)]
pub struct Buffered(Arc<Mutex<Vec<u8>>>);

impl Buffered {
    /// The buffer of standard error, and the thread that empties it.
    pub fn stderr() -> Buffered {
        let lines = LINES.get_or_init(|| {
            let lines = Arc::new(Mutex::new(Vec::with_capacity(FULL)));
            // Without the thread, lines wait for the next warning or a full buffer.
            let _ = std::thread::Builder::new().name("log".to_owned()).spawn(|| {
                loop {
                    std::thread::sleep(WAIT);
                    flush();
                }
            });
            lines
        });
        Buffered(lines.clone())
    }
}

/// Writes what is buffered. Called when the process ends.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        write_out(&mut lines.lock());
    }
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        // There is nowhere to say that standard error is gone.
        let _ = io::stderr().write_all(lines);
        lines.clear();
    }
}

/// A line in the making.
pub struct Line<'a> {
    buffer: &'a Mutex<Vec<u8>>,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut lines = self.buffer.lock();
        lines.extend_from_slice(text);
        if self.urgent || lines.len() >= FULL {
            write_out(&mut lines);
        }
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffered {
    type Writer = Line<'a>;
    fn make_writer(&'a self) -> Line<'a> {
        Line { buffer: &self.0, urgent: true }
    }
    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line { buffer: &self.0, urgent: *meta.level() <= Level::WARN || meta.target() != "access" }
    }
}
