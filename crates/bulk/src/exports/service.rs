//! An export: page after page by the time of creation, each with a connection and a snapshot of its own that nobody waits for
//! while a client is slow. What was erased meanwhile is in no later page.
//!
//! Two bounds: few pages are read at once, in turn, and no export keeps its turn while its client reads; more exports may be
//! open, and each holds no more than the pieces that wait for its client.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use customers::customer::service::rows;
use customers::search::service::known_total_in;
use kernel::web::list::{Cursor, FilterValue, Key, Keyed, ListRequest, Page};
use kernel::{Error, Result};
use parking_lot::Mutex;
use platform::access::{Actor, Permission, Scope};
use platform::app::{Parts, ProcessState};
use platform::ctx::Ctx;
use platform::event::Event;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::model::{Columns, Format};

/// Pages that a process reads for exports at once; the next in turn waits.
const READING: usize = 2;
/// Exports that are open at once in a process, most of them waiting for their clients.
const OPEN: usize = 16;
/// Those of one caller: somebody who takes files slowly leaves places for others.
const OPEN_OF_ONE: usize = 4;
/// Rows that are read and written at once.
pub const PAGE: u32 = 1000;
/// What a spreadsheet needs in order to take a file for UTF-8.
const BOM: &str = "\u{feff}";
/// Filters whose value tells of one person: an event that outlives an erasure keeps their names only.
const PERSONAL: [&str; 6] = ["email", "username", "customer_id", "user_id", "external_id", "company_name"];

/// The places of a process.
pub struct ExportSlots {
    open: Arc<Mutex<HashMap<Actor, usize>>>,
    reading: Arc<Semaphore>,
}

impl ProcessState for ExportSlots {
    fn new(_: &Parts) -> ExportSlots {
        ExportSlots { open: Arc::default(), reading: Arc::new(Semaphore::new(READING)) }
    }
}

impl ExportSlots {
    /// A place for an export of this caller. 503 `EXPORTS_BUSY` when there is none.
    fn take(&self, who: Actor) -> Result<ExportSlot> {
        let mut open = self.open.lock();
        if open.values().sum::<usize>() >= OPEN {
            return Err(busy("Other exports are running; try again in a moment"));
        }
        let own = open.entry(who).or_default();
        if *own >= OPEN_OF_ONE {
            return Err(busy("So many of your exports are running already; wait until one of them is done"));
        }
        *own += 1;
        Ok(ExportSlot { open: Arc::clone(&self.open), who })
    }
}

/// The place of an export, given back when it is dropped.
struct ExportSlot {
    open: Arc<Mutex<HashMap<Actor, usize>>>,
    who: Actor,
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        let left = open.get(&self.who).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            open.remove(&self.who);
        } else {
            open.insert(self.who, left);
        }
    }
}

/// What somebody wants exported.
pub struct ExportRequest {
    /// How it is written.
    pub format: Format,
    /// Which columns.
    pub columns: Columns,
    /// Does the file begin with a byte order mark?
    pub bom: bool,
    /// The filters; order and page do not count.
    pub filters: ListRequest,
    /// Rows per piece, [`PAGE`] but in tests.
    pub page: u32,
}

/// An export under way.
pub struct Export {
    ctx: Ctx,
    scope: Scope,
    wanted: ExportRequest,
    id: Uuid,
    rows: u64,
    total: Option<u64>,
    begun: bool,
    finished: bool,
    place: Option<ExportSlot>,
}

impl Export {
    /// Begins: 403 without the permission, 503 `EXPORTS_BUSY` while too many run. The log says who exports what.
    pub async fn begin(ctx: &Ctx, mut wanted: ExportRequest) -> Result<Export> {
        let scope = ctx.require_staff(Permission::CustomersExport)?;
        let place = Some(ctx.app().state::<ExportSlots>().take(ctx.caller()?.actor())?);
        wanted.filters.page = Page::Offset(0);
        wanted.filters.limit = wanted.page;
        let mut tx = ctx.read().await?;
        let total = known_total_in(&mut tx, &scope, &wanted.filters).await?;
        drop(tx);
        let (ctx, id) = (ctx.clone(), ctx.new_id());
        let export = Export { ctx, scope, wanted, id, rows: 0, total, begun: false, finished: false, place };
        export.record("customers.export_started", |event| event).await?;
        Ok(export)
    }

    /// How many customers there are to export, if a counter knows.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How long it may take. Its place is free then, however slowly its client reads.
    pub fn time_limit(&self) -> Duration {
        self.ctx.app().config.limits.export_timeout
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece of the file; `None` at its end, when its place is free already: whoever has seen the end can ask for
    /// the next file.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let piece = self.read().await?;
        if piece.is_none() {
            self.place = None;
        }
        Ok(piece)
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            self.write_head(&mut out);
        }
        if !self.finished {
            let turn = Arc::clone(&self.ctx.app().state::<ExportSlots>().reading).acquire_owned().await;
            let _turn = turn.map_err(|e| Error::internal("exports are closed").with_source(e))?;
            let mut tx = self.ctx.slow_read().await?;
            let mut rows = rows::page_to_export(&mut tx, &self.scope, &self.wanted.filters).await?;
            drop(tx);
            let page = self.wanted.page as usize;
            self.finished = rows.len() <= page;
            rows.truncate(page);
            if let Some(last) = rows.last() {
                let cursor = Cursor { keys: vec![Key::Time(last.created_at)], id: last.id(), position: 0 };
                self.wanted.filters.page = Page::Cursor(cursor);
            }
            self.rows += rows.len() as u64;
            for row in rows {
                match self.wanted.format {
                    Format::Csv => self.wanted.columns.write_csv(&row, &mut out),
                    Format::Ndjson => self.wanted.columns.write_json(row, &mut out)?,
                }
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    }

    fn write_head(&self, out: &mut Vec<u8>) {
        if self.wanted.bom {
            out.extend(BOM.bytes());
        }
        if self.wanted.format == Format::Csv {
            out.extend(self.wanted.columns.header().bytes());
        }
    }

    /// Notes how it ended. What was not finished says so.
    pub async fn end(self, complete: bool) -> Result<()> {
        self.record("customers.exported", |event| event.note("count", self.rows).note("complete", complete))
            .await
    }

    async fn record(&self, action: &'static str, more: impl FnOnce(Event) -> Event) -> Result<()> {
        let filters: Map<String, Value> = self
            .wanted
            .filters
            .filters
            .iter()
            .map(|(f, value)| (f.name.to_owned(), told(f.name, value)))
            .collect();
        let event = Event::new(action, "export", self.id, self.id.to_string())
            .of_company(self.scope.company())
            .note("format", self.wanted.format.name())
            .note("filters", filters);
        let mut tx = self.ctx.write().await?;
        self.ctx.record(&mut tx, more(event)).await?;
        tx.commit().await
    }
}

fn told(name: &str, value: &FilterValue) -> Value {
    match value {
        _ if PERSONAL.contains(&name) => "given".into(),
        FilterValue::Text(text) => text.as_str().into(),
        FilterValue::Bool(yes) => (*yes).into(),
        FilterValue::Uuid(id) => id.to_string().into(),
        FilterValue::Time(at) => at.to_string().into(),
        FilterValue::Date(date) => date.to_string().into(),
        FilterValue::Int(n) => (*n).into(),
    }
}

fn busy(detail: &'static str) -> Error {
    Error::unavailable("EXPORTS_BUSY", detail, Duration::from_secs(10))
}
