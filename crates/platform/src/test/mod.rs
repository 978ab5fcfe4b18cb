//! Tests run on a fresh database, on both engines, through the real router.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a16_create_customer() {
//!     on_both_engines(&[identity::feature(), feature()], async |app| {
//!         let reply = app.post("/api/v1/customers/").bearer(&key).json(json!({/* … */})).send().await;
//!         reply.expect(201);
//!     })
//!     .await;
//! }
//! ```

mod app;
mod database;
pub mod pictures;

pub use app::{TestApp, TestReply, TestRequest, on_both_engines, on_both_engines_with};
pub use database::{TestDb, migrations, on_both_databases};
