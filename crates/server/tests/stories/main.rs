//! Stories: the real binary, real sockets, both engines.
//!
//! | file | tells |
//! |---|---|
//! | `seeds` | the flows of seeds 000 and 001, in one process and split over two |
//! | `together` | processes that start at once; a logout that others see |
//! | `imports` | a file imported, killed in the middle; the command beside a server |
//! | `killed` | `kill -9` under load: what was acknowledged is there |
//! | `batches` | `kill -9` in the middle of a bulk update: it finishes, and nothing is done twice |
//! | `standstill` | 40 s in which a process or the database stands still; not in the suite |
//! | `stopping` | requests in flight are answered; a second signal ends at once |
//! | `start` | who makes a database, what is not taken for one, waiting for a server, what is locked or full |
//! | `refusals` | what keeps a process from starting, and what it says |
//! | `commands` | the command line beside a running server |
//! | `migrate_v1` | the customers of the first version, from files and back |
//! | `pictures` | pictures that are made to take memory |
//! | `operation` | health, figures, documentation |
//! | `malformed` | bodies, queries and methods that nobody should send |
//! | `routes` | every route without a token, with a wrong role, with forged tokens, of a foreign company |
//!
//! The harness: `deployment` (database, folder, processes), `client` (requests), `raw` (bytes on a socket).

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the whole program is tests, their helpers included; what they print is shown when one fails"
)]

mod batches;
mod client;
mod commands;
mod deployment;
mod imports;
mod killed;
mod malformed;
mod migrate_v1;
mod operation;
mod pages;
mod pictures;
mod raw;
mod refusals;
mod routes;
mod seeds;
mod standstill;
mod start;
mod stopping;
mod together;
