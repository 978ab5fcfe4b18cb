//! An export: page after page by the time of creation, each with a connection of its own that nobody waits for while a
//! client is slow. What was erased meanwhile is in no later page.

use std::sync::Arc;
use std::time::Duration;

use kernel::access::{Permission, Scope};
use kernel::ctx::Ctx;
use kernel::event::Event;
use kernel::web::list::{Cursor, FilterValue, Key, Keyed, ListRequest, Page};
use kernel::{Error, Result};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::model::{Columns, Format};
use crate::customers::service as customers;
use crate::customers::store::list;

/// Exports that a process runs at once: each reads all the time.
const AT_ONCE: usize = 2;
/// Rows that are read and written at once.
pub const PAGE: u32 = 1000;
/// What a spreadsheet needs in order to take a file for UTF-8.
const BOM: &str = "\u{feff}";
/// Filters whose value tells of one person: an event that outlives an erasure keeps their names only.
const PERSONAL: [&str; 6] = ["email", "username", "customer_id", "user_id", "external_id", "company_name"];

/// The places of a process; kept among its parts.
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Places {
        Places(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What somebody wants exported.
pub struct Wanted {
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
    wanted: Wanted,
    id: Uuid,
    rows: u64,
    total: Option<u64>,
    begun: bool,
    finished: bool,
    _place: OwnedSemaphorePermit,
}

impl Export {
    /// Begins: 403 without the permission, 503 `EXPORTS_BUSY` while too many run. The log says who exports what.
    pub async fn begin(ctx: &Ctx, mut wanted: Wanted) -> Result<Export> {
        let scope = ctx.require_staff(Permission::CustomersExport)?;
        let place = ctx.app().part::<Places>().0.clone().try_acquire_owned().map_err(|_| busy())?;
        wanted.filters.page = Page::Offset(0);
        wanted.filters.limit = wanted.page;
        let mut tx = ctx.read().await?;
        let total = customers::known_total_in(&mut tx, &scope, &wanted.filters).await?;
        drop(tx);
        let (ctx, id) = (ctx.clone(), ctx.new_id());
        let export =
            Export { ctx, scope, wanted, id, rows: 0, total, begun: false, finished: false, _place: place };
        export.record("customers.export_started", |event| event).await?;
        Ok(export)
    }

    /// How many customers there are to export, if a counter knows.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            self.write_head(&mut out);
        }
        if !self.finished {
            let mut tx = self.ctx.slow_read().await?;
            let mut rows = list::page_to_export(&mut tx, &self.scope, &self.wanted.filters).await?;
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

fn busy() -> Error {
    let detail = "Other exports are running; try again in a moment";
    Error::unavailable("EXPORTS_BUSY", detail, Duration::from_secs(10))
}
