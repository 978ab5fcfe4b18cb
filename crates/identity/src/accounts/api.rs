//! `/api/auth/register/` and the account of the caller.

use axum::response::{IntoResponse, Response};
use kernel::Result;
use kernel::web::problem::Problems;
use kernel::web::reply::{Created, ETag, IfMatch, WithETag};
use kernel::web::{Body, Field, FieldValue, Fields, Input};
use platform::app::App;
use platform::ctx::Ctx;
use platform::http::guard::Public;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::account::{self, ProfileChange};
use super::service::register::{self, Registration};
use crate::sessions::api::TokenPair;
use crate::users::api::UserReply;
use crate::users::model::{DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UserAddress};
use crate::users::service::User;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(profile)).routes(routes!(update))
}

/// The members of [`UserReply`] that nobody writes: what was read can be sent back.
const READ_ONLY: &[&str] = &[
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

impl Input for Registration {
    const NAME: &'static str = "Registration";

    fn read(f: &mut Fields<'_>) -> Option<Registration> {
        let email = f.need::<Email>("email");
        let first_name = f.need::<PersonName>("first_name");
        let last_name = f.need::<PersonName>("last_name");
        let phone = f.get::<Phone>(["phone", "phone_number"]);
        // `password1` and `password2` are the password and its repetition; different ones are an error.
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
            f.error(&format!("customer.{name}"), "conflicting_values", message);
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
async fn register(Public(ctx): Public, Body(new): RegistrationBody) -> Result<Response> {
    let done = register::register(&ctx, new).await?;
    let reply = RegisteredReply {
        user: (&done.user).into(),
        tokens: (&done.session).into(),
        customer: done.customer,
    };
    Ok(Created { location: "/api/auth/profile".to_owned(), tag: None, body: reply }.into_response())
}

fn tagged(user: &User) -> WithETag<UserReply> {
    WithETag(ETag::of(&[&user.version]), user.into())
}

/// The caller's own account.
#[utoipa::path(get, path = "/api/auth/profile", operation_id = "getAccount", tag = "account",
    responses((status = 200, body = UserReply, headers(("ETag"))), Problems))]
async fn profile(ctx: Ctx) -> Result<WithETag<UserReply>> {
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
async fn update(ctx: Ctx, tag: IfMatch, Body(change): AccountChangeBody) -> Result<WithETag<UserReply>> {
    let user =
        account::update(&ctx, change, |user| tag.check(&ETag::of(&[&user.version]), user.version)).await?;
    Ok(tagged(&user))
}
