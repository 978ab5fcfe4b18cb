//! The statements on `role`.

use database::Json;
use database::{args, row, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Reach;

row! {
    /// A role as it is stored.
    #[derive(Debug, Clone)]
    pub struct Role {
        /// `admin`, `manager`, …
        pub code: String,
        /// For people.
        pub name: String,
        /// `all`, `company` or `own`.
        pub reach: Reach,
        /// Permission codes and groups.
        pub permissions: Json,
    }
}

pub async fn find(tx: &mut Tx, code: &str) -> Result<Option<Role>> {
    tx.opt(
        sql!(database::text!("SELECT ", <Role as database::FromRow>::SELECT, " FROM role WHERE code = $1") => Role),
        args![code],
    )
    .await
}

/// The codes of all roles, in their order for people; a deployment has few.
pub async fn codes(tx: &mut Tx) -> Result<Vec<String>> {
    tx.all(sql!("SELECT code FROM role ORDER BY position, code LIMIT 100" => String), []).await
}
