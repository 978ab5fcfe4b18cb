//! The HTTP conventions of the product (SPEC 4), written once. A feature gets them by using these types:
//!
//! | to … | use |
//! |---|---|
//! | read a JSON body | [`body::Input`], [`body::Body`], [`field::Field`] |
//! | fail | [`crate::Error`]; [`problem`] makes the reply, [`problem::Problems`] documents it |
//! | answer with one resource | [`reply::WithETag`], [`reply::Created`], [`reply::NoContent`]; `If-Match`: [`reply::IfMatch`] |
//! | answer with what is made while it is sent | [`stream::streamed`] |
//! | read parameters of a route that is no list | [`query::Query`] |
//! | answer with a list | [`list::ListSpec`], [`list::Listing`], [`list::ListReply`] |
//! | know the request's id | [`request::RequestInfo`] |
//!
//! Around the routes: [`http_service::HttpService`] (one pass over every reply), [`server`] (sockets, shutdown), [`docs`] (`/openapi.json`,
//! `/docs`). Who is calling, idempotency and limits need the process: `platform::http`.

pub mod body;
mod connection_limit;
mod cors;
pub mod docs;
pub mod field;
mod fields;
pub mod http_service;
pub mod json;
mod linger;
pub mod list;
mod min_data_rate;
pub mod network;
pub mod nothing;
pub mod problem;
pub mod query;
pub mod reply;
pub mod request;
mod sending;
pub mod server;
pub mod settings;
pub mod stream;
#[cfg(test)]
mod tests;
mod values;

pub use body::{Body, Fields, Input};
pub use field::{Field, FieldValue, Required};
pub use request::RequestInfo;
pub use settings::WebSettings;
