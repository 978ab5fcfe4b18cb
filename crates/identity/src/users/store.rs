//! Every statement on `user_account` and `retired_username`.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use database::{Arg, Engine, Ids, Texts, Versioned, Written, args_behind, columns};
use database::{args, row, sql};
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::Scope;
use platform::crypto::sha256;
use uuid::Uuid;

use super::model::{Email, UserEmail, UserPhone, UserRef, name_key};

row! {
    /// A user, with the public id of its company and whether it has a password.
    #[derive(Debug, Clone)]
    pub struct User in "u" of "user_account" {
        /// UUIDv7.
        pub id: Uuid,
        /// The number in `USER-…`, drawn when it is inserted.
        pub unique_no: i64 [read],
        /// Lower case, unique, never given to anybody else.
        pub username: String,
        /// Its address.
        pub email: UserEmail,
        /// Shown as verified, by its owner or by staff.
        pub email_verified: bool,
        /// When its owner proved it; a mark of staff does not count here.
        pub email_proven_at: Option<Timestamp>,
        /// The address that waits for its owner's proof.
        pub pending_email: Option<String>,
        /// Given name.
        pub first_name: String,
        /// Family name.
        pub last_name: String => name_key(name_key, first_name),
        /// Its phone.
        pub phone: UserPhone,
        /// Shown as verified.
        pub phone_verified: bool,
        /// Role code.
        pub role: String,
        /// Its company.
        pub company: Option<Uuid> as "company_id",
        /// Its company's public id, `COMP-001`.
        pub company_id: Option<String> = "c.company_id",
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
        /// Last login, which is no change of the record.
        pub last_login: Option<Timestamp> [read],
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
        pub has_password: bool = "(p.user_id IS NOT NULL)",
    }
}

impl Versioned for User {
    const CHANGEABLE: &'static str = "erased_at IS NULL";
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
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
        database::text!(
            "SELECT ",
            <User as database::FromRow>::SELECT,
            " FROM user_account u
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

/// Inserts each under its name and gives it its number, unless that name is taken or was somebody's before: which are there.
pub async fn insert(tx: &mut Tx, users: Vec<&mut User>) -> Result<Vec<bool>> {
    let hashes: Vec<_> = users.iter().map(|user| sha256(user.username.as_bytes())).collect();
    let numbers = match tx.engine() {
        Engine::Sqlite => insert_sqlite(tx, &users, &hashes).await?,
        Engine::Postgres => insert_postgres(tx, &users, &hashes).await?,
    };
    for (user, number) in users.into_iter().zip(&numbers) {
        user.unique_no = number.unwrap_or(user.unique_no);
    }
    Ok(numbers.iter().map(Option::is_some).collect())
}

fn columns_of<'a>(user: &'a User) -> Vec<Arg<'a>> {
    let mut columns = Vec::new();
    user.args(&mut columns);
    columns
}

/// One writer counts on from the highest number. A statement that asks for nothing and returns nothing does not keep the
/// pages that it changes as they were (docs/decisions/0006).
async fn insert_sqlite(tx: &mut Tx, users: &[&mut User], hashes: &[[u8; 32]]) -> Result<Vec<Option<i64>>> {
    let hashes: Texts = hashes.iter().map(|hash| HEXLOWER.encode(hash)).collect();
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
    let free: Vec<(usize, Vec<Arg<'_>>, i64)> = (users.iter().zip(&hashes.0).enumerate())
        .filter(|(_, (_, hash))| !retired.contains(*hash))
        .zip(first..)
        .map(|((i, (user, _)), number)| (i, columns_of(user), number))
        .collect();
    let rows: Vec<_> = free.iter().map(|(_, columns, number)| args_behind(&[number], columns)).collect();
    let done = tx
        .exec_many(
            sql!(
                sqlite: database::text!(
                    "INSERT INTO user_account (unique_no, ", columns!(User), ") VALUES ($1, ", columns!(User, from 2),
                    ") ON CONFLICT (username) DO NOTHING"
                )
            ),
            &rows,
        )
        .await?;
    let mut numbers = vec![None; users.len()];
    for ((i, _, number), done) in free.iter().zip(done) {
        numbers[*i] = (done == 1).then_some(*number);
    }
    Ok(numbers)
}

/// Draws the numbers from a sequence, for those who have none.
async fn insert_postgres(tx: &mut Tx, users: &[&mut User], hashes: &[[u8; 32]]) -> Result<Vec<Option<i64>>> {
    let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let columns: Vec<Vec<Arg<'_>>> = users.iter().map(|user| columns_of(user)).collect();
    let rows = users.iter().zip(&hashes).zip(&columns);
    let rows: Vec<_> =
        rows.map(|((user, hash), columns)| args_behind(&[&user.unique_no, hash], columns)).collect();
    tx.opt_many(
        sql!(
            postgres: database::text!(
                "INSERT INTO user_account (unique_no, ", columns!(User), ")
                 SELECT coalesce(nullif($1::bigint, 0), nextval('user_account_unique_no')), ", columns!(User, from 3), "
                 WHERE NOT EXISTS (SELECT 1 FROM retired_username WHERE hash = $2)
                 ON CONFLICT (username) DO NOTHING RETURNING unique_no"
            ) => i64
        ),
        &rows,
    )
    .await
}

/// Writes a loaded user back, before and after; `Stale` if somebody else was faster. The version goes up by one.
pub async fn update(tx: &mut Tx, before: &User, after: &User) -> Result<()> {
    tx.update_records(&[(before, after)]).await
}

/// A login is no change of the record: the version stays.
pub async fn touch_login(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<()> {
    tx.exec(sql!("UPDATE user_account SET last_login = $2 WHERE id = $1"), args![id, at]).await.map(drop)
}

/// Overwrites everything personal. The row stays for what refers to it. `Stale` if somebody else was faster.
pub async fn erase(tx: &mut Tx, user: &User, at: Timestamp) -> Result<()> {
    update(tx, user, &user.emptied(at)).await?;
    tx.exec(
        sql!("UPDATE user_account SET last_login = NULL, erased_at = $2 WHERE id = $1"),
        args![user.id, at],
    )
    .await
    .map(drop)
}

impl User {
    /// What stays of it when it is erased; every field is named, so that a new one is not forgotten.
    fn emptied(&self, at: Timestamp) -> User {
        User {
            id: self.id,
            unique_no: self.unique_no,
            username: format!("erased-{}", self.unique_no),
            email: UserEmail::default(),
            email_verified: false,
            email_proven_at: None,
            pending_email: None,
            first_name: String::new(),
            last_name: String::new(),
            phone: UserPhone::default(),
            phone_verified: false,
            role: self.role.clone(),
            company: self.company,
            company_id: self.company_id.clone(),
            address: None,
            document_type: None,
            number_document_identity: None,
            locale: None,
            is_active: false,
            last_login: None,
            legacy_user_id: None,
            avatar: None,
            created_at: self.created_at,
            updated_at: at,
            version: self.version,
            has_password: self.has_password,
        }
    }
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
