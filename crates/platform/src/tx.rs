//! `Tx`: a transaction of a use case. What the database layer gives, with what the platform keeps beside it: the numbers of
//! its events, and who commits it.

use std::sync::Arc;

use database::{Db, Engine, FromRow, Param, Record, Sql, Versioned, Where};
use kernel::Result;
use kernel::web::list::{ListRequest, Source};

/// A transaction, or a way to read. See [`database::Tx`], whose functions it has.
pub struct Tx {
    tx: database::Tx,
    /// The number of its first event, and how many there were.
    pub(crate) events: Option<(i64, i64)>,
    /// Gets it when its use case commits it.
    handover: Option<Box<dyn FnOnce(Tx) + Send>>,
}

impl From<database::Tx> for Tx {
    fn from(tx: database::Tx) -> Tx {
        Tx { tx, events: None, handover: None }
    }
}

impl Tx {
    /// Single statements of work that no request asked for: [`Db::read`].
    pub async fn read(db: &Db) -> Result<Tx> {
        Ok(db.read(&Arc::default()).await?.into())
    }

    /// A transaction of work that no request asked for: [`Db::write`].
    pub async fn write(db: &Db) -> Result<Tx> {
        Ok(db.write(&Arc::default()).await?.into())
    }

    /// The same, which does not end when its use case commits it: `then` gets it, to write more and make it last.
    pub(crate) fn handed_to(mut self, then: impl FnOnce(Tx) + Send + 'static) -> Tx {
        self.handover = Some(Box::new(then));
        self
    }

    /// Makes it last: [`database::Tx::commit`]. With an idempotency key the transaction waits for the reply, which is stored
    /// in it.
    pub async fn commit(mut self) -> Result<()> {
        match self.handover.take() {
            Some(handover) if !self.tx.has_failed() => {
                self.tx.detach();
                handover(self);
                Ok(())
            }
            _ => self.commit_now().await,
        }
    }

    /// The same without waiting.
    pub(crate) async fn commit_now(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }

    /// See [`database::Tx::engine`].
    pub fn engine(&self) -> Engine {
        self.tx.engine()
    }

    /// See [`database::Tx::has_failed`].
    pub fn has_failed(&self) -> bool {
        self.tx.has_failed()
    }

    /// See [`database::Tx::after_commit`].
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.tx.after_commit(then);
    }

    /// See [`database::Tx::exec`].
    pub async fn exec<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        args: [&dyn Param; N],
    ) -> Result<u64> {
        Ok(self.tx.exec(sql, args).await?)
    }

    /// See [`database::Tx::exec_many`].
    pub async fn exec_many<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<u64>> {
        Ok(self.tx.exec_many(sql, sets).await?)
    }

    /// See [`database::Tx::exec_before_commit`].
    pub fn exec_before_commit<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        order: i64,
        args: [Box<dyn Param>; N],
    ) -> Result<()> {
        Ok(self.tx.exec_before_commit(sql, order, args)?)
    }

    /// See [`database::Tx::exec_versioned`].
    pub async fn exec_versioned<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        args: [&dyn Param; N],
    ) -> Result<()> {
        Ok(self.tx.exec_versioned(sql, args).await?)
    }

    /// See [`database::Tx::insert_records`].
    pub async fn insert_records<R: Record>(
        &mut self,
        records: &[&R],
        on_conflict: &'static str,
    ) -> Result<Vec<u64>> {
        Ok(self.tx.insert_records(records, on_conflict).await?)
    }

    /// See [`database::Tx::update_records`].
    pub async fn update_records<R: Versioned>(&mut self, changes: &[(&R, &R)]) -> Result<()> {
        Ok(self.tx.update_records(changes).await?)
    }

    /// See [`database::Tx::opt_many`].
    pub async fn opt_many<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<Option<R>>> {
        Ok(self.tx.opt_many(sql, sets).await?)
    }

    /// See [`database::Tx::all`].
    pub async fn all<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<Vec<R>> {
        Ok(self.tx.all(sql, args).await?)
    }

    /// See [`database::Tx::opt`].
    pub async fn opt<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<Option<R>> {
        Ok(self.tx.opt(sql, args).await?)
    }

    /// See [`database::Tx::one`].
    pub async fn one<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<R> {
        Ok(self.tx.one(sql, args).await?)
    }

    /// See [`database::Tx::select`].
    pub async fn select<R: FromRow + Send + 'static>(
        &mut self,
        base: &'static Sql<0, R>,
        conditions: &Where<'_>,
        tail: &str,
    ) -> Result<Vec<R>> {
        Ok(self.tx.select(base, conditions, tail).await?)
    }

    /// See [`ListRequest::page`].
    pub async fn page<'a, R: FromRow + Send + 'static>(
        &mut self,
        base: &'static Sql<0, R>,
        request: &'a ListRequest,
        id: &'static str,
        conditions: Where<'a>,
    ) -> Result<Vec<R>> {
        Ok(request.page(&mut self.tx, base, id, conditions).await?)
    }

    /// See [`ListRequest::late_page`].
    pub async fn late_page<'a, R: FromRow + Send + 'static>(
        &mut self,
        source: &Source<R>,
        request: &'a ListRequest,
        conditions: Where<'a>,
    ) -> Result<Vec<R>> {
        Ok(request.late_page(&mut self.tx, source, conditions).await?)
    }

    /// See [`ListRequest::count_up_to`].
    pub async fn count_up_to<'a>(
        &mut self,
        base: &'static Sql<0, i64>,
        request: &'a ListRequest,
        conditions: Where<'a>,
        bound: u64,
    ) -> Result<u64> {
        Ok(request.count_up_to(&mut self.tx, base, conditions, bound).await?)
    }
}
