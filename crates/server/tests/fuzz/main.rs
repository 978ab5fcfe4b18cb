//! What strangers and files can send, made at random out of what is right: nothing of it may panic, hang, or be answered
//! as a fault of the server. Here each target runs for a few seconds with a seed that stays the same; `scripts/fuzz`
//! runs them longer, with another seed each time.
//!
//! What is found is mended with a test of its own, and the input is put into the corpus of its target.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the whole program is tests, their helpers included; what they print is shown when one fails"
)]

mod input;
mod requests;
mod run;
mod texts;
