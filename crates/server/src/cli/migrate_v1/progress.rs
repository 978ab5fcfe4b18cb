//! How far a long command is: a bar on a terminal, a line now and then elsewhere. And whether somebody wants it to stop.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// Records between two lines.
const EVERY: u64 = 10_000;

/// The progress of a run over files.
pub struct Progress {
    bar: Option<ProgressBar>,
    bytes: Arc<AtomicU64>,
    records: u64,
    stop: Arc<AtomicBool>,
}

impl Progress {
    /// Begins, and listens for Ctrl-C: the first lets the batch finish, the second ends the process.
    pub fn new<'a>(files: impl Iterator<Item = &'a PathBuf>) -> anyhow::Result<Progress> {
        let size = files.map(|path| std::fs::metadata(path).map_or(0, |about| about.len())).sum();
        let bar = match std::io::stderr().is_terminal() {
            true => {
                let style = "{bar:40} {percent:>3} %  {msg}  {eta}";
                Some(ProgressBar::new(size).with_style(ProgressStyle::with_template(style)?))
            }
            false => None,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if asked.swap(true, Ordering::SeqCst) {
                    // Whatever is not committed is undone by the database.
                    std::process::exit(130);
                }
            }
        });
        Ok(Progress { bar, bytes: Arc::default(), records: 0, stop })
    }

    /// Where readers count their bytes.
    pub fn position(&self) -> Arc<AtomicU64> {
        self.bytes.clone()
    }

    /// So many records more are done.
    pub fn advanced(&mut self, records: usize) {
        let before = self.records;
        self.records += records as u64;
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.bytes.load(Ordering::Relaxed));
                bar.set_message(format!("{} records", self.records));
            }
            None if before / EVERY != self.records / EVERY => {
                let _ = writeln!(std::io::stderr(), "{} records", self.records);
            }
            None => {}
        }
    }

    /// Did somebody press Ctrl-C?
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Ends; was it before its time?
    pub fn end(&self) -> bool {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.stopped()
    }
}

/// A reader that counts.
pub struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Counts into `bytes`.
    pub fn new(inner: R, bytes: Arc<AtomicU64>) -> Counted<R> {
        Counted { inner, bytes }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
