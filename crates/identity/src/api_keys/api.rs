//! `/api/v1/api-keys`.

use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse, Response};
use kernel::clock::Timestamp;
use kernel::web::list::{ListOf, ListReply, ListSpec, Listing};
use kernel::web::problem::Problems;
use kernel::web::reply::{ETag, IfMatch, NoContent, WithETag, json};
use kernel::web::{Body, Fields, Input};
use kernel::{Error, Result};
use platform::app::App;
use platform::ctx::Ctx;
use platform::http::guard::ShowsSecret;
use serde::Serialize;
use serde_json::json as example;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::service::{self, ApiKey, MOST_NAME_CHARS, NewApiKey, SPEC};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, rename, revoke))
}

/// A key for a program. Its secret is shown once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    /// Its id.
    pub id: Uuid,
    /// How it appears as actor and author.
    #[schema(example = "nightly import")]
    pub name: String,
    /// Role code.
    #[schema(example = "employee")]
    pub role: String,
    /// Permissions that narrow the role; none leave it whole.
    #[schema(value_type = Vec<String>)]
    pub scopes: serde_json::Value,
    /// The company that it is confined to.
    #[schema(example = "COMP-001")]
    pub company_id: Option<String>,
    /// `active`, `expired`, `revoked`, or `orphaned`: who made it has left or may do less than it now.
    #[schema(example = "active")]
    pub state: &'static str,
    /// Who made it.
    pub created_by: ApiKeyMaker,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// Who made a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyMaker {
    /// `user`, `api_key`, or `system` for the command line.
    #[schema(example = "user")]
    pub kind: &'static str,
    /// The user or the key.
    pub id: Option<Uuid>,
    /// E-mail, user name, or name of the key.
    pub name: Option<String>,
}

impl ApiKeyView {
    /// A key as it is at that time.
    pub fn of(key: ApiKey, now: Timestamp) -> ApiKeyView {
        let state = key.state(now).code();
        let (kind, id, name) = match (key.parent_id, key.creator_id) {
            (Some(parent), _) => ("api_key", Some(parent), key.parent_name),
            (None, Some(user)) => ("user", Some(user), key.creator_name),
            (None, None) => ("system", None, None),
        };
        ApiKeyView {
            id: key.id,
            name: key.name,
            role: key.role,
            scopes: key.scopes.0,
            company_id: key.company_id,
            state,
            created_by: ApiKeyMaker { kind, id, name },
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            created_at: key.created_at,
            updated_at: key.updated_at,
            version: key.version,
        }
    }
}

/// A new key with its secret, which is shown only here.
#[derive(Serialize, ToSchema)]
pub struct NewApiKeyReply {
    /// The secret: send it as `Authorization: Bearer …`.
    #[schema(example = "rk_4fJ2…")]
    pub key: String,
    /// What is known of it.
    pub api_key: ApiKeyView,
}

impl Input for NewApiKey {
    const NAME: &'static str = "NewApiKey";

    fn read(f: &mut Fields<'_>) -> Option<NewApiKey> {
        let name = f.need_text("name", MOST_NAME_CHARS);
        f.note("How it appears as actor and author; different from that of every living key of its company.");
        let role = f.need_text("role", 50);
        f.note("A role of staff that may do no more than you.");
        let scopes = f.texts("scopes", 100, 64);
        f.note("Permissions that narrow the role, such as `customers.read`; without any it is whole.");
        let company = f.text("company_id", 64);
        f.note("The company that it is confined to, for a role that reaches one; your own without it.");
        let expires_at = f.get::<Timestamp>("expires_at");
        f.note("When it ends by itself; without it, never.");
        f.example(|| example!({"name": "nightly import", "role": "employee", "scopes": ["customers.read"]}));
        f.build(|| NewApiKey {
            name: name.get(),
            role: role.get(),
            scopes: scopes.value().unwrap_or_default(),
            company: company.value(),
            expires_at: expires_at.value(),
        })
    }
}

/// A new key.
pub type NewApiKeyBody = Body<NewApiKey>;

/// Another name.
pub struct ApiKeyChange(Option<String>);

impl Input for ApiKeyChange {
    const NAME: &'static str = "ApiKeyChange";

    fn read(f: &mut Fields<'_>) -> Option<ApiKeyChange> {
        let name = f.change_text("name", MOST_NAME_CHARS);
        f.note("All else of a key stays as it was made.");
        f.example(|| example!({"name": "weekly import"}));
        f.read_only(&[
            "id",
            "role",
            "scopes",
            "company_id",
            "state",
            "created_by",
            "expires_at",
            "revoked_at",
            "created_at",
            "updated_at",
            "version",
        ]);
        f.build(|| ApiKeyChange(name))
    }
}

/// A change of a key.
pub type ApiKeyChangeBody = Body<ApiKeyChange>;

/// The list of keys.
pub struct ApiKeys;

impl ListOf for ApiKeys {
    type Item = ApiKeyView;
    const SPEC: &'static ListSpec = &SPEC;
}

/// A page of keys.
pub type ApiKeyList = ListReply<ApiKeys>;

fn tag(key: &ApiKey) -> ETag {
    ETag::of(&[&key.version])
}

fn tagged(ctx: &Ctx, key: ApiKey) -> WithETag<ApiKeyView> {
    WithETag(tag(&key), ApiKeyView::of(key, ctx.now()))
}

/// A path names a key by its id.
fn id_of(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::not_found("API_KEY_NOT_FOUND", "API key not found"))
}

/// The keys within the caller's reach, newest first, those that have ended as well.
#[utoipa::path(get, path = "/api/v1/api-keys", operation_id = "listApiKeys", tag = "api keys", security(("bearer" = [])),
    params(Listing<ApiKeys>), responses((status = 200, body = ApiKeyList), Problems))]
async fn list(ctx: Ctx, Listing(request, ..): Listing<ApiKeys>) -> Result<ApiKeyList> {
    let (rows, total) = service::list(&ctx, &request).await?;
    Ok(ListReply::new(&request, rows, total, |key| ApiKeyView::of(key, ctx.now())))
}

/// Makes a key and shows its secret, once. An `Idempotency-Key` makes it once, but keeps no answer: a repeat is told so.
#[utoipa::path(post, path = "/api/v1/api-keys", operation_id = "createApiKey", tag = "api keys", security(("bearer" = [])),
    request_body = NewApiKeyBody, responses((status = 201, description = "The key and its secret.", body = NewApiKeyReply), Problems))]
async fn create(ctx: Ctx, Body(new): NewApiKeyBody) -> Result<Response> {
    let (key, secret) = service::create(&ctx, new).await?;
    let location = format!("/api/v1/api-keys/{}", key.id);
    let body = NewApiKeyReply { key: secret.reveal(), api_key: ApiKeyView::of(key, ctx.now()) };
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((Extension(ShowsSecret), headers, json(StatusCode::CREATED, &body)).into_response())
}

/// One key.
#[utoipa::path(get, path = "/api/v1/api-keys/{api_key}", operation_id = "getApiKey", tag = "api keys", security(("bearer" = [])),
    params(("api_key" = String, Path, description = "The key's id.")),
    responses((status = 200, body = ApiKeyView), Problems))]
async fn get(ctx: Ctx, Path(id): Path<String>) -> Result<WithETag<ApiKeyView>> {
    Ok(tagged(&ctx, service::get(&ctx, id_of(&id)?).await?))
}

/// Gives a key another name.
#[utoipa::path(patch, path = "/api/v1/api-keys/{api_key}", operation_id = "updateApiKey", tag = "api keys", security(("bearer" = [])),
    params(("api_key" = String, Path, description = "The key's id.")), request_body = ApiKeyChangeBody,
    responses((status = 200, body = ApiKeyView), Problems))]
async fn rename(
    ctx: Ctx,
    Path(id): Path<String>,
    wanted: IfMatch,
    Body(ApiKeyChange(name)): ApiKeyChangeBody,
) -> Result<WithETag<ApiKeyView>> {
    let check = |key: &ApiKey| wanted.check(&tag(key), key.version);
    Ok(tagged(&ctx, service::rename(&ctx, id_of(&id)?, name.as_deref(), check).await?))
}

/// Ends a key at once, and with it the keys that it made; other processes know within two seconds.
#[utoipa::path(delete, path = "/api/v1/api-keys/{api_key}", operation_id = "revokeApiKey", tag = "api keys", security(("bearer" = [])),
    params(("api_key" = String, Path, description = "The key's id.")),
    responses((status = 204, description = "Revoked."), Problems))]
async fn revoke(ctx: Ctx, Path(id): Path<String>, wanted: IfMatch) -> Result<NoContent> {
    let check = |key: &ApiKey| wanted.check(&tag(key), key.version);
    service::revoke(&ctx, id_of(&id)?, check).await?;
    Ok(NoContent)
}
