//! Bringing a database up to a build, and what has to follow before anything is served.

use database::{Db, Engine, Migration, migrate};
use kernel::Result;

use crate::{Tx, event};

/// Applies what the database has not and says which it was. Every process calls it before it serves, also where nothing is
/// missing: a restored database may number its events anew. Errors as [`migrate::migrate`].
pub async fn migrate(db: &Db, migrations: &[Migration]) -> Result<migrate::Applied> {
    let applied = migrate::migrate(db, migrations).await?;
    // SQLite numbers events by what is stored, so there is nothing to lift.
    if db.engine() == Engine::Postgres {
        let mut tx = Tx::write(db).await?;
        event::lift_epoch(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(applied)
}
