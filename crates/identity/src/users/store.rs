//! Every statement on `user_account` and `retired_username`.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use database::{Engine, Ids, Param, Texts};
use database::{args, row, sql};
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::model::{Email, UserRef, Username};

row! {
    /// A user, with the public id of its company and whether it has a password.
    #[derive(Debug, Clone)]
    pub struct User {
        /// UUIDv7.
        pub id: Uuid,
        /// The number in `USER-…`.
        pub unique_no: i64,
        /// Lower case, unique, never given to anybody else.
        pub username: String,
        /// As it was typed.
        pub email: Option<String>,
        /// What it is unique by, made when it was typed: a later release may read addresses otherwise.
        pub email_key: Option<String>,
        /// Shown as verified, by its owner or by staff.
        pub email_verified: bool,
        /// When its owner proved it; a mark of staff does not count here.
        pub email_proven_at: Option<Timestamp>,
        /// The address that waits for its owner's proof.
        pub pending_email: Option<String>,
        /// Given name.
        pub first_name: String,
        /// Family name.
        pub last_name: String,
        /// As it was typed.
        pub phone: Option<String>,
        /// What it is looked for by, made when it was typed.
        pub phone_digits: Option<String>,
        /// E.164 where the number is valid.
        pub phone_e164: Option<String>,
        /// Shown as verified.
        pub phone_verified: bool,
        /// Role code.
        pub role: String,
        /// Its company.
        pub company: Option<Uuid>,
        /// Its company's public id, `COMP-001`.
        pub company_id: Option<String>,
        /// Postal address in one text.
        pub address: Option<String>,
        /// Code of the kind of identity document.
        pub document_type: Option<String>,
        /// Number on the identity document.
        pub number_document_identity: Option<String>,
        /// BCP 47.
        pub locale: Option<String>,
        /// May log in.
        pub is_active: bool,
        /// Last login.
        pub last_login: Option<Timestamp>,
        /// The integer id of the first version of the services.
        pub legacy_user_id: Option<i64>,
        /// The name of its picture.
        pub avatar: Option<String>,
        /// Creation.
        pub created_at: Timestamp,
        /// Last change.
        pub updated_at: Timestamp,
        /// Counts changes.
        pub version: i64,
        /// Can log in with a password.
        pub has_password: bool,
    }
}

row! {
    /// See [`count`].
    #[derive(Debug, Clone, Copy)]
    pub struct UserCounts {
        /// All but erased ones.
        pub users: i64,
        /// Those with a number of the first version.
        pub legacy: i64,
    }
}

macro_rules! users_where {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.unique_no, u.username, u.email, u.email_key, u.email_verified, u.email_proven_at, u.pending_email,
               u.first_name, u.last_name, u.phone, u.phone_digits, u.phone_e164, u.phone_verified, u.role, u.company_id AS company,
               c.company_id, u.address, u.document_type, u.number_document_identity, u.locale, u.is_active,
               u.last_login, u.legacy_user_id, u.avatar, u.created_at, u.updated_at, u.version,
               (p.user_id IS NOT NULL) AS has_password
             FROM user_account u
             LEFT JOIN company c ON c.id = u.company_id
             LEFT JOIN credential p ON p.user_id = u.id
             WHERE u.erased_at IS NULL AND ",
            $rest
        )
    };
}

macro_rules! select_user {
    (sqlite: $lite:literal, postgres: $pg:literal) => {
        sql!(sqlite: users_where!($lite), postgres: users_where!($pg) => User)
    };
    ($rest:literal) => {
        sql!(users_where!($rest) => User)
    };
}

pub async fn find(tx: &mut Tx, scope: &Scope, reference: UserRef) -> Result<Option<User>> {
    let (all, company, user) = (scope.all(), scope.company(), scope.user());
    match reference {
        UserRef::Id(id) => {
            tx.opt(
                select_user!("u.id = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"),
                args![id, all, company, user],
            )
            .await
        }
        UserRef::UniqueId(id) => {
            tx.opt(
                select_user!("u.unique_no = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"),
                args![id.number(), all, company, user],
            )
            .await
        }
    }
}

/// By the normalised address, of inactive users as well: it is unique among all.
pub async fn find_by_email(tx: &mut Tx, email: &Email) -> Result<Option<User>> {
    tx.opt(select_user!("u.email_key = $1"), args![email.key()]).await
}

/// By normalised addresses.
pub async fn find_by_emails(tx: &mut Tx, keys: &Texts) -> Result<Vec<User>> {
    tx.all(
        // Looking up many keys has no common spelling.
        select_user!(
            sqlite: "u.email_key IN (SELECT value FROM json_each($1))", postgres: "u.email_key = ANY($1)"
        ),
        args![*keys],
    )
    .await
}

pub async fn find_by_username(tx: &mut Tx, username: &str) -> Result<Option<User>> {
    tx.opt(select_user!("u.username = $1"), args![username]).await
}

/// By the number of the first version of the services.
pub async fn find_by_legacy(tx: &mut Tx, number: i64) -> Result<Option<User>> {
    tx.opt(select_user!("u.legacy_user_id = $1"), args![number]).await
}

/// A phone names a user only once it is verified.
pub async fn find_by_phone(tx: &mut Tx, e164: &str) -> Result<Option<User>> {
    tx.opt(select_user!("u.phone_e164 = $1 AND u.phone_verified"), args![e164]).await
}

/// Those of these users who have an address, or wait for one.
pub async fn with_address(tx: &mut Tx, ids: Ids) -> Result<Vec<Uuid>> {
    tx.all(
        // A list as one argument: see `database::Ids`.
        sql!(
            sqlite: "SELECT id FROM user_account
                     WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND (email IS NOT NULL OR pending_email IS NOT NULL)",
            postgres: "SELECT id FROM user_account
                       WHERE id = ANY($1) AND (email IS NOT NULL OR pending_email IS NOT NULL)" => Uuid
        ),
        args![ids],
    )
    .await
}

/// A user as it is written, whole.
pub struct Written<'a> {
    pub user: &'a User,
    pub name_key: &'a str,
}

/// Inserts each under its name, unless that is taken or was somebody's before (its hash): the public numbers.
pub async fn insert(tx: &mut Tx, users: &[(Written<'_>, Username, [u8; 32])]) -> Result<Vec<Option<i64>>> {
    match tx.engine() {
        Engine::Sqlite => insert_lite(tx, users).await,
        Engine::Postgres => insert_pg(tx, users).await,
    }
}

/// What both engines insert, and one argument more.
fn inserted<'a>(w: &'a Written<'_>, username: &'a &str, last: &'a dyn Param) -> [&'a dyn Param; 23] {
    let u = w.user;
    [
        &u.id,
        username,
        &u.email,
        &u.email_key,
        &u.email_verified,
        &u.email_proven_at,
        &u.first_name,
        &u.last_name,
        &w.name_key,
        &u.phone,
        &u.phone_digits,
        &u.phone_e164,
        &u.phone_verified,
        &u.role,
        &u.company,
        &u.address,
        &u.document_type,
        &u.number_document_identity,
        &u.locale,
        &u.is_active,
        &u.legacy_user_id,
        &u.created_at,
        last,
    ]
}

/// One writer counts on from the highest number. A statement that asks for nothing and returns nothing does not keep the
/// pages that it changes as they were (docs/decisions/0006).
async fn insert_lite(tx: &mut Tx, users: &[(Written<'_>, Username, [u8; 32])]) -> Result<Vec<Option<i64>>> {
    let hashes: Texts = users.iter().map(|(.., hash)| HEXLOWER.encode(hash)).collect();
    let retired: HashSet<String> = tx
        .all(
            sql!(
                sqlite: "SELECT lower(hex(hash)) AS hash FROM retired_username
                         WHERE hash IN (SELECT unhex(value) FROM json_each($1))" => String
            ),
            args![hashes],
        )
        .await?
        .into_iter()
        .collect();
    let first = tx
        .one(sql!(sqlite: "SELECT coalesce(max(unique_no), 9999999) + 1 AS n FROM user_account" => i64), [])
        .await?;
    let free: Vec<(usize, &str, i64)> = (users.iter().zip(&hashes.0).enumerate())
        .filter(|(_, (_, hash))| !retired.contains(*hash))
        .zip(first..)
        .map(|((i, ((_, name, _), _)), number)| (i, name.as_str(), number))
        .collect();
    let rows: Vec<_> = free.iter().map(|(i, name, number)| inserted(&users[*i].0, name, number)).collect();
    let done = tx
        .exec_many(
            sql!(
                sqlite: "INSERT INTO user_account (id, username, email, email_key, email_verified, email_proven_at,
                           first_name, last_name, name_key, phone, phone_digits, phone_e164, phone_verified, role, company_id,
                           address, document_type, number_document_identity, locale, is_active, legacy_user_id, created_at,
                           updated_at, version, unique_no)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                           $21, $22, $22, 1, $23)
                         ON CONFLICT (username) DO NOTHING"
            ),
            &rows,
        )
        .await?;
    let mut numbers = vec![None; users.len()];
    for ((i, _, number), done) in free.into_iter().zip(done) {
        numbers[i] = (done == 1).then_some(number);
    }
    Ok(numbers)
}

/// Draws the numbers from a sequence, for those who have none.
async fn insert_pg(tx: &mut Tx, users: &[(Written<'_>, Username, [u8; 32])]) -> Result<Vec<Option<i64>>> {
    let names: Vec<(&str, &[u8])> = users.iter().map(|(_, name, hash)| (name.as_str(), &hash[..])).collect();
    let rows = users.iter().zip(&names).map(|((w, ..), (name, hash))| {
        let row = inserted(w, name, hash);
        std::array::from_fn(|i| row.get(i).copied().unwrap_or(&w.user.unique_no))
    });
    let rows: Vec<[&dyn Param; 24]> = rows.collect();
    tx.opt_many(
        sql!(
            postgres: "INSERT INTO user_account (id, unique_no, username, email, email_key, email_verified, email_proven_at,
                         first_name, last_name, name_key, phone, phone_digits, phone_e164, phone_verified, role, company_id,
                         address, document_type, number_document_identity, locale, is_active, legacy_user_id, created_at,
                         updated_at, version)
                       SELECT $1, coalesce(nullif($24::bigint, 0), nextval('user_account_unique_no')), $2, $3, $4, $5, $6, $7, $8,
                         $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22, 1
                       WHERE NOT EXISTS (SELECT 1 FROM retired_username WHERE hash = $23)
                       ON CONFLICT (username) DO NOTHING RETURNING unique_no" => i64
        ),
        &rows,
    )
    .await
}

/// Writes a loaded user back; `Stale` if somebody else was faster. The version goes up by one.
pub async fn update(tx: &mut Tx, w: &Written<'_>) -> Result<()> {
    let u = w.user;
    tx.exec_versioned(
        sql!(
            "UPDATE user_account SET username = $3, email = $4, email_key = $5, email_verified = $6, email_proven_at = $7,
               pending_email = $8, first_name = $9, last_name = $10, name_key = $11, phone = $12, phone_digits = $13,
               phone_e164 = $14, phone_verified = $15, role = $16, company_id = $17, address = $18, document_type = $19,
               number_document_identity = $20, locale = $21, is_active = $22, updated_at = $23, version = version + 1
             WHERE id = $1 AND version = $2"
        ),
        args![
            u.id, u.version, u.username, u.email, u.email_key, u.email_verified, u.email_proven_at, u.pending_email,
            u.first_name, u.last_name, w.name_key, u.phone, u.phone_digits, u.phone_e164, u.phone_verified, u.role,
            u.company, u.address, u.document_type, u.number_document_identity, u.locale, u.is_active, u.updated_at
        ],
    )
    .await
}

/// A login is no change of the record: the version stays.
pub async fn touch_login(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<()> {
    tx.exec(sql!("UPDATE user_account SET last_login = $2 WHERE id = $1"), args![id, at]).await.map(drop)
}

/// Overwrites everything personal. The row stays for what refers to it.
pub async fn erase(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE user_account SET username = 'erased-' || unique_no, email = NULL, email_key = NULL, email_verified = false,
               email_proven_at = NULL, pending_email = NULL, first_name = '', last_name = '', name_key = '', phone = NULL,
               phone_digits = NULL, phone_e164 = NULL, phone_verified = false, address = NULL, document_type = NULL,
               number_document_identity = NULL, locale = NULL, is_active = false, last_login = NULL, legacy_user_id = NULL,
               avatar = NULL,
               erased_at = $2, updated_at = $2, version = version + 1
             WHERE id = $1"
        ),
        args![id, at],
    )
    .await
    .map(drop)
}

/// Writes the number of the first version into a loaded user; `Stale` if somebody else was faster.
pub async fn set_legacy(tx: &mut Tx, u: &User, number: i64, at: Timestamp) -> Result<()> {
    tx.exec_versioned(
        sql!(
            "UPDATE user_account SET legacy_user_id = $3, updated_at = $4, version = version + 1
             WHERE id = $1 AND version = $2"
        ),
        args![u.id, u.version, number, at],
    )
    .await
}

/// Writes the name of a loaded user's picture; `Stale` if somebody else was faster.
pub async fn set_avatar(tx: &mut Tx, u: &User, avatar: Option<&str>, at: Timestamp) -> Result<()> {
    tx.exec_versioned(
        sql!("UPDATE user_account SET avatar = $3, updated_at = $4, version = version + 1 WHERE id = $1 AND version = $2"),
        args![u.id, u.version, avatar, at],
    )
    .await
}

/// Has anybody this picture?
pub async fn has_avatar(tx: &mut Tx, avatar: &str) -> Result<bool> {
    let owner = tx.opt(sql!("SELECT id FROM user_account WHERE avatar = $1" => Uuid), args![avatar]);
    Ok(owner.await?.is_some())
}

/// Was there a user with this id, who is erased now?
pub async fn is_erased(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let erased = tx
        .opt(sql!("SELECT id FROM user_account WHERE id = $1 AND erased_at IS NOT NULL" => Uuid), args![id]);
    Ok(erased.await?.is_some())
}

/// Deletes a loaded user whom nothing refers to; `Stale` if somebody else was faster.
pub async fn delete(tx: &mut Tx, u: &User) -> Result<()> {
    tx.exec_versioned(sql!("DELETE FROM user_account WHERE id = $1 AND version = $2"), args![u.id, u.version])
        .await
}

/// How many users there are, and how many of them have a number of the first version. Reads them all.
pub async fn count(tx: &mut Tx) -> Result<UserCounts> {
    tx.one(
        sql!(
            "SELECT count(*) AS users, count(legacy_user_id) AS legacy FROM user_account
             WHERE erased_at IS NULL" => UserCounts
        ),
        [],
    )
    .await
}

/// How many things that others than `actor` (a part of the system) did to a user are in the log.
pub async fn touched_by_others(tx: &mut Tx, id: Uuid, actor: &str) -> Result<i64> {
    tx.one(
        sql!(
            "SELECT count(*) AS n FROM event
             WHERE subject_id = $1 AND NOT (actor_kind = 'system' AND actor_name = $2)" => i64
        ),
        args![id, actor],
    )
    .await
}

/// Keeps a name from ever being given to somebody else.
pub async fn retire_username(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO retired_username (hash) VALUES ($1) ON CONFLICT (hash) DO NOTHING"),
        args![hash],
    )
    .await
    .map(drop)
}

/// How many active users have this role of staff; `role <> 'customer'` names the index.
pub async fn count_active(tx: &mut Tx, role: &str) -> Result<i64> {
    tx.one(
        sql!(
            "SELECT count(*) AS n FROM user_account
             WHERE role <> 'customer' AND role = $1 AND is_active AND erased_at IS NULL" => i64
        ),
        args![role],
    )
    .await
}

/// The active users of this role of staff, kept as they are until the transaction ends: two who each take away the other
/// would leave none. SQLite has one writer anyway.
pub async fn lock_active(tx: &mut Tx, role: &str) -> Result<Vec<Uuid>> {
    tx.all(
        sql!(
            sqlite: "SELECT id FROM user_account
                     WHERE role <> 'customer' AND role = $1 AND is_active AND erased_at IS NULL ORDER BY id",
            postgres: "SELECT id FROM user_account
                       WHERE role <> 'customer' AND role = $1 AND is_active AND erased_at IS NULL ORDER BY id
                       FOR UPDATE" => Uuid
        ),
        args![role],
    )
    .await
}

/// The users of this role of staff after the one with `after`, by their ids.
pub async fn list_staff(tx: &mut Tx, role: &str, after: Uuid, limit: i64) -> Result<Vec<User>> {
    tx.all(
        select_user!("u.role <> 'customer' AND u.role = $1 AND u.id > $2 ORDER BY u.id LIMIT $3"),
        args![role, after, limit],
    )
    .await
}

/// The company that a path or a setting names: by UUID, `COMP-001` or key.
pub async fn find_company(tx: &mut Tx, reference: &str) -> Result<Option<Uuid>> {
    let id = Uuid::try_parse(reference).ok();
    tx.opt(
        sql!("SELECT id FROM company WHERE id = $1 OR company_id = $2 OR company_key = $2" => Uuid),
        args![id, reference],
    )
    .await
}

/// The public id of a company.
pub async fn company_number(tx: &mut Tx, company: Uuid) -> Result<Option<String>> {
    tx.opt(sql!("SELECT company_id FROM company WHERE id = $1" => String), args![company]).await
}

pub async fn company_is_active(tx: &mut Tx, company: Uuid) -> Result<bool> {
    let status = tx.opt(sql!("SELECT status FROM company WHERE id = $1" => String), args![company]).await?;
    Ok(status.as_deref() == Some("active"))
}

/// What a violated constraint means to whoever sent the value.
pub fn taken(e: Error) -> Error {
    if e.violates("user_account_email_key_key") {
        Error::conflict("USER_EMAIL_EXISTS", "User with this email already exists").with_source(e)
    } else if e.violates("user_account_username_key") {
        Error::conflict("USERNAME_EXISTS", "User with this username already exists").with_source(e)
    } else if e.violates("user_account_phone_e164_key") {
        Error::conflict("PHONE_EXISTS", "Another user has verified this phone number").with_source(e)
    } else {
        e
    }
}
