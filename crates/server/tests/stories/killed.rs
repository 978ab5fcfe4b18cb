//! `kill -9` while customers are created and people register: what was acknowledged is there after the restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::json;
use tokio::sync::Notify;

use crate::client::Client;
use crate::deployment::on_both_engines;

/// Acknowledged writes before the kill.
const ENOUGH: usize = 120;
/// Writers that create customers.
const CREATORS: usize = 6;
/// Writers that register, which costs a password hash each time.
const REGISTRARS: usize = 2;

/// What the writers share.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicUsize,
    enough: Notify,
}

#[tokio::test]
async fn a_killed_server_keeps_every_acknowledged_write() {
    on_both_engines(async |deployment| {
        let mut server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "writer").await;
        let tally = Arc::new(Tally::default());
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..CREATORS {
            writers.spawn(create_customers(server.client().with(&key), writer, Arc::clone(&tally)));
        }
        for writer in 0..REGISTRARS {
            writers.spawn(register(server.client(), writer, Arc::clone(&tally)));
        }
        tally.enough.notified().await;
        server.signal("KILL").await;
        assert_eq!(server.ended().await, None);
        let mut acknowledged = Vec::new();
        while let Some(done) = writers.join_next().await {
            acknowledged.extend(done.unwrap());
        }
        assert!(acknowledged.len() >= ENOUGH);
        let created = acknowledged.iter().filter(|(_, customer)| customer.is_some()).count();
        assert!(created > 0 && created < acknowledged.len(), "both kinds of write: {created}");

        let again = deployment.serve(&[]).await;
        let staff = again.client().with(&key);
        for (email, customer) in acknowledged {
            match customer {
                Some(customer) => {
                    let found = staff.get(&format!("/api/v1/customers/{customer}/")).await.expect(200);
                    assert_eq!(found["email"], email.as_str());
                }
                None => drop(again.client().log_in(&email, "a long enough sentence").await),
            }
        }
        again.stop().await;
    })
    .await;
}

/// Writes until the server is gone; the address of each acknowledged customer, and the customer.
async fn create_customers(staff: Client, writer: usize, tally: Arc<Tally>) -> Vec<(String, Option<String>)> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let email = format!("created{writer}.{n}@example.com");
        let body = json!({ "first_name": "Ana", "last_name": "Mora", "email": email });
        let Some(reply) = staff.attempt(Method::POST, "/api/v1/customers/", Some(body)).await else { break };
        let customer = reply.expect(201)["customer_id"].as_str().unwrap().to_owned();
        acknowledged.push((email, Some(customer)));
        tally.count();
    }
    acknowledged
}

async fn register(client: Client, writer: usize, tally: Arc<Tally>) -> Vec<(String, Option<String>)> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let email = format!("registered{writer}.{n}@example.com");
        let body = json!({
            "first_name": "Luz", "last_name": "Vega", "email": email, "password": "a long enough sentence",
        });
        let Some(reply) = client.attempt(Method::POST, "/api/auth/register/", Some(body)).await else {
            break;
        };
        reply.expect(201);
        acknowledged.push((email, None));
        tally.count();
    }
    acknowledged
}

impl Tally {
    fn count(&self) {
        if self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == ENOUGH {
            self.enough.notify_one();
        }
    }
}
