//! `/api/auth/register/` and the account of the caller.

use axum::response::{IntoResponse, Response};
use kernel::clock::Timestamp;
use kernel::web::problem::Problems;
use kernel::web::reply::{Created, IfMatch, Tag, Tagged};
use kernel::web::{Body, Field, FieldValue, Fields, Input};
use kernel::{Error, Result};
use platform::ctx::Ctx;
use platform::http::guard::Public;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use uuid::Uuid;

use super::account::{self, ProfileChange};
use super::model::{
    AvatarPaths, DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UserAddress,
};
use super::register::{self, Registration};
use super::service::User;
use crate::sessions::service::Opened;

/// A user, as it reads itself and as staff read it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = User)]
pub struct UserReply {
    /// UUIDv7.
    pub id: Uuid,
    /// `USER-10000000`.
    pub unique_id: String,
    /// Lower case, unique.
    pub username: String,
    /// As it was typed; absent for somebody who is only reached by phone.
    pub email: Option<String>,
    /// An address that waits for its owner's proof.
    pub pending_email: Option<String>,
    /// The address was proved, or staff marked it.
    pub email_verified: bool,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// As it was typed.
    pub phone: Option<String>,
    /// The phone was proved, or staff marked it.
    pub phone_verified: bool,
    /// Role code.
    pub role: String,
    /// Every role but customer.
    pub is_staff: bool,
    /// The role admin.
    pub is_superuser: bool,
    /// `COMP-001`.
    pub company_id: Option<String>,
    /// Postal address in one text.
    pub address: Option<String>,
    /// Code of the kind of identity document.
    pub document_type: Option<String>,
    /// Number on the identity document.
    pub number_document_identity: Option<String>,
    /// BCP 47.
    pub locale: Option<String>,
    /// The picture, in three sizes.
    pub avatar: Option<AvatarPaths>,
    /// May log in.
    pub is_active: bool,
    /// Last login.
    pub last_login: Option<Timestamp>,
    /// The same as `created_at`.
    pub date_joined: Timestamp,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// The members of [`UserReply`] that nobody writes: what was read can be sent back.
pub(crate) const READ_ONLY: &[&str] = &[
    "id",
    "unique_id",
    "pending_email",
    "avatar",
    "is_staff",
    "is_superuser",
    "last_login",
    "date_joined",
    "created_at",
    "updated_at",
    "version",
];

impl From<&User> for UserReply {
    fn from(u: &User) -> UserReply {
        UserReply {
            id: u.id,
            unique_id: u.unique_id(),
            username: u.username.clone(),
            email: u.email.clone(),
            pending_email: u.pending_email.clone(),
            email_verified: u.email_verified,
            first_name: u.first_name.clone(),
            last_name: u.last_name.clone(),
            phone: u.phone.clone(),
            phone_verified: u.phone_verified,
            role: u.role.clone(),
            is_staff: u.role != "customer",
            is_superuser: u.role == "admin",
            company_id: u.company_id.clone(),
            address: u.address.clone(),
            document_type: u.document_type.clone(),
            number_document_identity: u.number_document_identity.clone(),
            locale: u.locale.clone(),
            avatar: AvatarPaths::of(u.avatar.as_deref()),
            is_active: u.is_active,
            last_login: u.last_login,
            date_joined: u.created_at,
            created_at: u.created_at,
            updated_at: u.updated_at,
            version: u.version,
        }
    }
}

/// A pair of tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenPair {
    /// JWT, sent as `Authorization: Bearer …`.
    pub access: String,
    /// Opaque, used once at `token/refresh/`.
    pub refresh: String,
}

impl From<&Opened> for TokenPair {
    fn from(opened: &Opened) -> TokenPair {
        TokenPair { access: opened.access.clone(), refresh: opened.refresh.reveal() }
    }
}

impl Input for Registration {
    const NAME: &'static str = "Registration";

    fn read(f: &mut Fields<'_>) -> Option<Registration> {
        let email = f.need::<Email>("email");
        let first_name = f.need::<PersonName>("first_name");
        let last_name = f.need::<PersonName>("last_name");
        let phone = f.get::<Phone>(["phone", "phone_number"]);
        // `password1` and `password2` are the password and its repetition; different ones are a fault.
        let password = f.need_secret(["password", "password1", "password2"], 512);
        let customer = f.object("customer", 256 * 1024);
        f.refine(|member| *member = Ref::from_schema_name("NewProfile").into());
        f.note("Creates the customer profile in the same call.");
        f.example(|| {
            json!({
                "email": "ada.lovelace@example.com", "first_name": "Ada", "last_name": "Lovelace",
                "password": "Difference-Engine-1842", "customer": {"city": "London", "country": "United Kingdom"}
            })
        });
        if let Field::Value(profile) = &customer {
            agree(f, profile, &["email"], email.peek(), |one, two| one.key() == two.key());
            agree(f, profile, &["first_name"], first_name.peek(), |one, two| one.as_str() == two.as_str());
            agree(f, profile, &["last_name"], last_name.peek(), |one, two| one.as_str() == two.as_str());
            let both = phone.as_ref().value();
            agree(f, profile, &["phone", "phone_number"], both, |one, two| one.as_str() == two.as_str());
        }
        f.build(|| Registration {
            email: email.get(),
            first_name: first_name.get(),
            last_name: last_name.get(),
            phone: phone.value(),
            password: password.get(),
            customer: customer.value().map(|mut profile| {
                // Said already, perhaps in another spelling: the account's counts.
                profile.shift_remove("email");
                Value::Object(profile)
            }),
        })
    }
}

/// What is said of the account and of its profile as well is one thing: 422 for two values of it. What cannot be read in
/// the profile is refused where that is read.
fn agree<T: FieldValue>(
    f: &mut Fields<'_>,
    profile: &Map<String, Value>,
    names: &[&str],
    account: Option<&T>,
    same: impl Fn(&T, &T) -> bool,
) {
    let Some(account) = account else { return };
    for name in names {
        let differs = match profile.get(*name) {
            None => false,
            Some(Value::Null) => true,
            Some(value) => T::from_json(value).is_ok_and(|said| !same(&said, account)),
        };
        if differs {
            let message = "Is said of the account as well, with another value; send one of them";
            f.fault(&format!("customer.{name}"), "conflicting_values", message);
        }
    }
}

/// A registration.
pub type RegistrationBody = Body<Registration>;

/// What a registration gives.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Registered)]
pub struct RegisteredReply {
    /// The new user.
    pub user: UserReply,
    /// Its first tokens.
    pub tokens: TokenPair,
    /// The profile, if the request had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = customer)]
    pub customer: Option<Value>,
}

/// A type of another crate; where it is not served, any object.
fn customer() -> RefOr<Schema> {
    Ref::from_schema_name("Customer").into()
}

/// Registers a person; a `customer` object creates the profile in the same call.
#[utoipa::path(post, path = "/api/auth/register", operation_id = "registerUser", tag = "account",
    security(()), request_body = RegistrationBody,
    responses((status = 201, body = RegisteredReply), Problems))]
pub(crate) async fn register(Public(ctx): Public, Body(new): RegistrationBody) -> Result<Response> {
    let done = register::register(&ctx, new).await?;
    let reply = RegisteredReply {
        user: (&done.user).into(),
        tokens: (&done.session).into(),
        customer: done.customer,
    };
    Ok(Created { location: "/api/auth/profile".to_owned(), tag: None, body: reply }.into_response())
}

fn tagged(user: &User) -> Tagged<UserReply> {
    Tagged(Tag::of(&[&user.version]), user.into())
}

/// The caller's own account.
#[utoipa::path(get, path = "/api/auth/profile", operation_id = "getAccount", tag = "account",
    responses((status = 200, body = UserReply, headers(("ETag"))), Problems))]
pub(crate) async fn profile(ctx: Ctx) -> Result<Tagged<UserReply>> {
    Ok(tagged(&account::profile(&ctx).await?))
}

impl Input for ProfileChange {
    const NAME: &'static str = "AccountChange";

    fn read(f: &mut Fields<'_>) -> Option<ProfileChange> {
        f.read_only(READ_ONLY);
        // Described as read-only above; in a body it tells a reply that is sent back from a wish to end the change.
        let said_pending = match f.build(|| ()) {
            Some(()) => f.text("pending_email", 254).value(),
            None => None,
        };
        let change = ProfileChange {
            said_pending,
            email: f.change::<Email>("email"),
            first_name: f.change::<PersonName>("first_name"),
            last_name: f.change::<PersonName>("last_name"),
            phone: f.get::<Phone>(["phone", "phone_number"]),
            address: f.get::<UserAddress>("address"),
            document_type: f.get::<DocumentTypeCode>("document_type"),
            number_document_identity: f.get::<IdentityNumber>("number_document_identity"),
            locale: f.get::<Locale>("locale"),
            guarded: [
                ("role", string(f.text(["role", "user_role"], 50))),
                ("company_id", string(f.text("company_id", 255))),
                ("username", string(f.text("username", 50))),
                ("email_verified", boolean(f.get("email_verified"))),
                ("phone_verified", boolean(f.get("phone_verified"))),
                ("is_active", boolean(f.get(["is_active", "active"]))),
            ]
            .into(),
        };
        f.example(|| json!({"phone": "+44 20 7946 0958", "locale": "en-GB"}));
        f.build(|| change)
    }
}

fn string(field: Field<String>) -> Field<Value> {
    field.map(Value::String)
}
fn boolean(field: Field<bool>) -> Field<Value> {
    field.map(Value::Bool)
}

/// A change of the caller's own account.
pub type AccountChangeBody = Body<ProfileChange>;

/// Changes the caller's own account. A new e-mail address waits for its proof in `pending_email`.
#[utoipa::path(patch, path = "/api/auth/profile/update", operation_id = "updateAccount", tag = "account",
    request_body = AccountChangeBody,
    params(IfMatch), responses((status = 200, body = UserReply, headers(("ETag"))), Problems))]
pub(crate) async fn update(
    ctx: Ctx,
    tag: IfMatch,
    Body(change): AccountChangeBody,
) -> Result<Tagged<UserReply>> {
    let user =
        account::update(&ctx, change, |user| tag.check(&Tag::of(&[&user.version]), user.version)).await?;
    Ok(tagged(&user))
}

/// 403 for a member that the caller may not write, unless it says what is stored.
pub(crate) fn not_writable(name: &str) -> Error {
    Error::forbidden("FIELD_NOT_WRITABLE", format!("You may not change {name}")).with_member("field", name)
}
