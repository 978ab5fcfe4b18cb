//! Long work that somebody asked for: bulk updates, imports. The API calls it a job.
//!
//! A batch is worked on chunk by chunk. Each chunk is one transaction, which changes customers, writes a line of the
//! report for each, and moves the position: whenever a process dies, the next goes on where the last commit was.
//!
//! | file | holds |
//! |---|---|
//! | `model` | kinds of work, what a chunk did |
//! | `kinds` | every kind there is |
//! | `store` | the statements on `batch` and `batch_row` |
//! | [`service`] | asking for work, looking at it, cancelling, reverting; the chunks' own functions |
//! | [`jobs`] | working on a batch, and housekeeping |
//! | [`report`] | one line per row, as CSV or NDJSON |
//! | [`api`] | `/api/v1/jobs` |

pub mod api;
pub mod jobs;
mod kinds;
pub mod model;
pub mod report;
pub mod service;
mod store;
