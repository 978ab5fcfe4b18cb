//! `Idempotency-Key`: a repeated request gets the answer of the first. The record is written in the
//! transaction of the use case, so there is never one without the other.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::crypto::sha256;
use crate::db::{Json, Tx};
use crate::error::{Error, Kind, Result};
use crate::{args, row, sql};

/// How long an answer is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// The key of one request: whose it is, for what, and what was sent.
#[derive(Clone)]
pub struct Idempotency {
    scope: [u8; 32],
    fingerprint: [u8; 32],
}

/// An answer as it was given the first time.
#[derive(Debug, Clone)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// The headers worth keeping: media type, tag, location.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// What became of a key.
pub(crate) enum Claim {
    /// First use: go on.
    Ours,
    /// Done before: this was the answer.
    Replay(StoredReply),
    /// Used for something else, or done without an answer being kept.
    Refused(Error),
}

row! {
    struct Record { fingerprint: Vec<u8>, status: i64, headers: Json, body: Vec<u8> }
}

impl Idempotency {
    /// Scope is caller, method and path (SPEC 4); the body must be the same at each repeat. 400 if the key is
    /// empty or longer than 255 characters.
    pub fn new(caller: &str, method: &str, path: &str, key: &str, body: &[u8]) -> Result<Idempotency> {
        if key.is_empty() || key.len() > 255 || !key.is_ascii() {
            return Err(Error::bad_request(
                "IDEMPOTENCY_KEY_INVALID",
                "Idempotency-Key is 1 to 255 ASCII characters; a UUID is a good one",
            ));
        }
        let scope = sha256(format!("{caller}\n{method} {path}\n{key}").as_bytes());
        Ok(Idempotency { scope, fingerprint: sha256(body) })
    }

    pub(crate) async fn claim(&self, tx: &mut Tx, now: Timestamp) -> Result<Claim> {
        // An expired record is as good as none. On PostgreSQL this waits for a twin that is still running.
        let ours = tx
            .opt(
                sql!(
                    "INSERT INTO idempotency_key (scope, fingerprint, status, headers, body, expires_at)
                     VALUES ($1, $2, 0, '[]', $3, $4)
                     ON CONFLICT (scope) DO UPDATE
                     SET fingerprint = excluded.fingerprint, status = -1, headers = '[]', body = excluded.body,
                         expires_at = excluded.expires_at
                     WHERE idempotency_key.expires_at <= $5
                     RETURNING status" => i64
                ),
                args![&self.scope[..], &self.fingerprint[..], Vec::<u8>::new(), now.plus(KEPT_FOR), now],
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
            .one(
                sql!("SELECT fingerprint, status, headers, body FROM idempotency_key WHERE scope = $1" => Record),
                args![&self.scope[..]],
            )
            .await?;
        Ok(self.answer(record))
    }

    fn answer(&self, record: Record) -> Claim {
        if record.fingerprint != self.fingerprint {
            return Claim::Refused(Error::new(
                Kind::Invalid,
                "IDEMPOTENCY_KEY_REUSED",
                "This Idempotency-Key was used with another body; send a new key for a new request",
            ));
        }
        match u16::try_from(record.status) {
            Ok(status) if status > 0 => Claim::Replay(StoredReply {
                status,
                headers: serde_json::from_value(record.headers.0).unwrap_or_default(),
                body: record.body,
            }),
            _ => Claim::Refused(Error::conflict(
                "IDEMPOTENCY_REPLY_NOT_KEPT",
                "The request with this Idempotency-Key was carried out, but its answer was not kept; read the record",
            )),
        }
    }

    /// Stores the answer and whom it tells of, in the transaction of what it answers.
    pub(crate) async fn keep(
        &self,
        tx: &mut Tx,
        reply: &StoredReply,
        customers: &BTreeSet<Uuid>,
    ) -> Result<()> {
        let headers = Json(serde_json::json!(reply.headers));
        tx.exec(
            sql!("UPDATE idempotency_key SET status = $2, headers = $3, body = $4 WHERE scope = $1"),
            args![&self.scope[..], i64::from(reply.status), headers, reply.body],
        )
        .await?;
        for customer in customers {
            tx.exec(
                sql!("INSERT INTO idempotency_customer (scope, customer_id) VALUES ($1, $2)"),
                args![&self.scope[..], customer],
            )
            .await?;
        }
        Ok(())
    }
}

/// Deletes the stored answers that concern a customer: part of erasing it.
pub async fn forget_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
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
