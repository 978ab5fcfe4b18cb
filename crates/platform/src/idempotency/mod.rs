//! `Idempotency-Key`: a repeated request gets the answer of the first. The record is written in the
//! transaction of the use case, so there is never one without the other.
//!
//! A repeat that comes while the first is still running is refused at once, and holds nothing that others wait for: in
//! this process by a list in memory before the database is asked, on another node by a lock of PostgreSQL that is only
//! tried. (On SQLite a process at a time writes anyway.)
//!
//! Here is the record of a key; [`run`] is the way of one request through it, [`reply`] an answer that is kept.

mod reply;
mod run;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::Tx;
use crate::crypto::sha256;
use database::Json;
use database::{args, row, sql};
use kernel::clock::Timestamp;
use kernel::error::{Error, Kind, Result};

pub use reply::StoredReply;
pub(crate) use run::{End, KeyedRun};

/// How long an answer is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// The key of one request: whose it is, for what, and what was sent. Cloning shares it.
#[derive(Clone)]
pub struct Idempotency {
    scope: [u8; 32],
    /// What has to be the same at each repeat beside the body.
    asked: Arc<str>,
    /// Of that and the body, once the body is there.
    fingerprint: Arc<OnceLock<[u8; 32]>>,
}

/// The keys of the requests that this process is working on.
#[derive(Clone, Default)]
pub struct Running(Arc<Mutex<HashSet<[u8; 32]>>>);

/// The place of a request among those, until it is dropped.
pub(crate) struct Place {
    running: Running,
    scope: [u8; 32],
}

impl Running {
    /// 409 `IDEMPOTENCY_KEY_IN_USE` while another request with this key is running.
    pub(crate) fn enter(&self, key: &Idempotency) -> Result<Place> {
        match self.0.lock().insert(key.scope) {
            true => Ok(Place { running: self.clone(), scope: key.scope }),
            false => Err(in_use()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.scope);
    }
}

fn in_use() -> Error {
    let detail = "The first request with this Idempotency-Key is still running; repeat it in a moment";
    Error::conflict("IDEMPOTENCY_KEY_IN_USE", detail).retry_after(Duration::from_secs(1))
}

/// What became of a key.
enum Claim {
    /// First use: go on.
    Ours,
    /// Done before: this was the answer.
    Replay(StoredReply),
    /// Still running, used for something else, or done without an answer being kept.
    Refused(Error),
}

row! {
    struct Record { fingerprint: Vec<u8>, status: i64, headers: Json, body: Vec<u8> }
}

impl Idempotency {
    /// Scope is caller, method and path (SPEC 4). What was sent must be the same at each repeat: the query, the body, and
    /// `rights`: what the caller may see decided what the answer shows. 400 if the key is empty or longer than 255
    /// characters.
    pub fn new(
        owner: &str,
        rights: &str,
        method: &str,
        path: &str,
        query: Option<&str>,
        key: &str,
    ) -> Result<Idempotency> {
        if key.is_empty() || key.len() > 255 || !key.is_ascii() {
            return Err(Error::bad_request(
                "IDEMPOTENCY_KEY_INVALID",
                "Idempotency-Key is 1 to 255 ASCII characters; a UUID is a good one",
            ));
        }
        let scope = sha256(format!("{owner}\n{method} {path}\n{key}").as_bytes());
        let asked = match query {
            Some(query) => format!("{rights}\n?{query}\n"),
            None => format!("{rights}\n"),
        };
        Ok(Idempotency { scope, asked: asked.into(), fingerprint: Arc::default() })
    }

    /// The body is there, or what stands for it: the digest of a file, with what was said about it.
    pub fn sent(&self, body: &[u8]) {
        let mut all = Vec::with_capacity(self.asked.len() + body.len());
        all.extend_from_slice(self.asked.as_bytes());
        all.extend_from_slice(body);
        // The first time counts; there is no other.
        let _ = self.fingerprint.set(sha256(&all));
    }

    fn fingerprint(&self) -> Result<&[u8]> {
        let fingerprint = self.fingerprint.get().map(<[u8; 32]>::as_slice);
        fingerprint.ok_or_else(|| Error::internal("a change before its file was read to the end"))
    }

    async fn claim(&self, tx: &mut Tx, now: Timestamp) -> Result<Claim> {
        // The first bytes of a digest are as good as another digest.
        let lock = i64::from_be_bytes(self.scope[..8].try_into().unwrap_or_default());
        // An expired record is as good as none.
        let ours = tx
            .opt(
                sql!(
                    sqlite: "INSERT INTO idempotency_key (scope, fingerprint, status, headers, body, expires_at)
                     SELECT $1, $2, 0, '[]', $3, $4 WHERE $6 IS NOT NULL
                     ON CONFLICT (scope) DO UPDATE
                     SET fingerprint = excluded.fingerprint, status = -1, headers = '[]', body = excluded.body,
                         expires_at = excluded.expires_at
                     WHERE idempotency_key.expires_at <= $5
                     RETURNING status",
                    // Without the lock, the insert would wait for a twin on another node to end.
                    postgres: "INSERT INTO idempotency_key (scope, fingerprint, status, headers, body, expires_at)
                     SELECT $1::bytea, $2::bytea, 0, '[]'::jsonb, $3::bytea, $4::timestamptz
                     WHERE pg_try_advisory_xact_lock($6)
                     ON CONFLICT (scope) DO UPDATE
                     SET fingerprint = excluded.fingerprint, status = -1, headers = '[]', body = excluded.body,
                         expires_at = excluded.expires_at
                     WHERE idempotency_key.expires_at <= $5
                     RETURNING status" => i64
                ),
                args![
                    &self.scope[..],
                    self.fingerprint()?,
                    Vec::<u8>::new(),
                    now.plus(KEPT_FOR),
                    now,
                    lock
                ],
            )
            .await?;
        match ours {
            Some(0) => return Ok(Claim::Ours),
            // The record of an expired one: the customers of its answer are not those of ours.
            Some(_) => {
                tx.exec(sql!("DELETE FROM idempotency_customer WHERE scope = $1"), args![&self.scope[..]])
                    .await?;
                return Ok(Claim::Ours);
            }
            None => {}
        }
        let record = tx
            .opt(
                sql!(
                    "SELECT fingerprint, status, headers, body FROM idempotency_key
                     WHERE scope = $1 AND expires_at > $2" => Record
                ),
                args![&self.scope[..], now],
            )
            .await?;
        // Nothing to be seen, and not ours: a twin that has not committed has the lock.
        record.map_or_else(|| Ok(Claim::Refused(in_use())), |record| self.answer(record))
    }

    fn answer(&self, record: Record) -> Result<Claim> {
        if record.fingerprint != self.fingerprint()? {
            return Ok(Claim::Refused(Error::new(
                Kind::Invalid,
                "IDEMPOTENCY_KEY_REUSED",
                "This Idempotency-Key was used with another body, or before your role changed; send a new key for a new \
                 request",
            )));
        }
        Ok(match u16::try_from(record.status) {
            Ok(status) if status > 0 => Claim::Replay(StoredReply {
                status,
                headers: serde_json::from_value(record.headers.0).unwrap_or_default(),
                body: record.body,
            }),
            _ => Claim::Refused(Error::conflict(
                "IDEMPOTENCY_REPLY_NOT_KEPT",
                "The request with this Idempotency-Key was carried out, but its answer was not kept; read the record",
            )),
        })
    }

    /// Stores the answer and whom it tells of, in the transaction of what it answers.
    async fn keep(&self, tx: &mut Tx, reply: &StoredReply, customers: &BTreeSet<Uuid>) -> Result<()> {
        let headers = Json(serde_json::json!(reply.headers));
        tx.exec(
            sql!("UPDATE idempotency_key SET status = $2, headers = $3, body = $4 WHERE scope = $1"),
            args![&self.scope[..], i64::from(reply.status), headers, reply.body],
        )
        .await?;
        let scope = &self.scope[..];
        let sets: Vec<_> = customers.iter().map(|customer| args![scope, *customer]).collect();
        let statement = sql!("INSERT INTO idempotency_customer (scope, customer_id) VALUES ($1, $2)");
        tx.exec_many(statement, &sets).await.map(drop)
    }
}

/// Deletes the stored answers that concern a customer: part of erasing it.
pub async fn erase_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!(
            "DELETE FROM idempotency_key WHERE scope IN
               (SELECT scope FROM idempotency_customer WHERE customer_id = $1)"
        ),
        args![customer],
    )
    .await
    .map(drop)
}

/// Deletes at most 1000 expired records; says how many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM idempotency_key WHERE scope IN
               (SELECT scope FROM idempotency_key WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)"
        ),
        args![now],
    )
    .await
}
