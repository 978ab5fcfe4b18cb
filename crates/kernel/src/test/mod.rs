//! Tests run on a fresh database, on both engines, through the real router.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a16_create_customer() {
//!     on_both_engines(&FEATURES, async |app| {
//!         let reply = app.post("/api/v1/customers/").bearer(&key).json(json!({…})).send().await;
//!         reply.expect(201);
//!     })
//!     .await;
//! }
//! ```

mod database;

pub use database::{TestDb, on_both_databases};
