//! What stands between the web conventions and a handler and needs the process: [`guard`] (who is calling, `Idempotency-Key`,
//! another try after a passing error), [`limit`] (how much one may ask), [`upload`] (files).

pub mod guard;
pub mod limit;
pub mod upload;
