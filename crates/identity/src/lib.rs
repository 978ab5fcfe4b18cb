//! Who is calling: users, their credentials, sessions and tokens.
//!
//! | module | holds |
//! |---|---|
//! | [`users`] | the one home of names, addresses, phones and user names |
//! | [`accounts`] | registration, the own account |
//! | [`credentials`] | password rules, the bounded pool that hashes, stored hashes |
//! | [`devices`] | devices that are known from a login |
//! | [`sessions`] | login, refresh, logout |
//! | [`tokens`] | access tokens and their keys, who is behind a bearer token |
//! | [`secrets`] | refresh tokens and the secrets of keys |
//! | [`revocations`] | when what is remembered of a caller ends |
//! | [`mail_links`] | links by mail that prove an address |
//! | [`api_keys`] | keys for programs |
//! | [`roles`] | what a role may do |
//! | [`admin`] | administrators, as the command line manages them |

pub mod accounts;
pub mod admin;
pub mod api_keys;
pub mod credentials;
pub mod devices;
pub mod mail_links;
pub mod revocations;
pub mod roles;
pub mod secrets;
pub mod sessions;
pub mod tokens;
pub mod users;

use std::time::Duration;

use kernel::Result;
use platform::Tx;
use platform::app::{App, BoxFuture, Feature};
use platform::ctx::Ctx;
use platform::jobs::Periodic;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use users::followers::{Follower, Followers};
use users::service::User;

/// What identity needs to know of a customer profile without knowing customers, which stand on it. One crate at most
/// registers it, beside its `feature()`.
pub struct ProfileHook {
    /// The public id of a user's profile.
    pub find: for<'a> fn(&'a mut Tx, Uuid) -> BoxFuture<'a, Result<Option<String>>>,
    /// Creates the profile of a user from the body of `profile/create/`; the profile as the API shows it.
    pub create: for<'a> fn(
        &'a Ctx,
        &'a mut Tx,
        &'a User,
        &'a serde_json::Value,
    ) -> BoxFuture<'a, Result<serde_json::Value>>,
    /// A user was changed, in the transaction that changes it: what is kept of it beside the profile follows.
    pub changed: for<'a> fn(&'a mut Tx, &'a User, &'a User) -> BoxFuture<'a, Result<()>>,
}

inventory::collect!(ProfileHook);

/// The hook, where the program has profiles.
pub(crate) fn profile_hook() -> Option<&'static ProfileHook> {
    inventory::iter::<ProfileHook>().next()
}

/// The public id of a user's profile, if the program knows customers and there is one.
pub(crate) async fn profile_of(ctx: &Ctx, user: Uuid) -> Result<Option<String>> {
    let Some(hook) = profile_hook() else { return Ok(None) };
    let mut tx = ctx.read().await?;
    (hook.find)(&mut tx, user).await
}

/// The feature, for the assembly. Every process authenticates, also one that serves only customers: it verifies tokens by
/// itself.
pub fn feature() -> Feature {
    Feature {
        name: "identity",
        service: "auth",
        routes,
        jobs: &[
            mail_links::jobs::SEND,
            mail_links::jobs::TELL_OLD,
            mail_links::jobs::TELL_KNOWN,
            mail_links::jobs::DELETE_MAIL_FILE,
        ],
        periodic: PERIODIC,
        start: Some(|app| Box::pin(tokens::service::start(app))),
        authenticate: Some(|app, bearer| Box::pin(tokens::service::authenticate(app, bearer))),
    }
}

const PERIODIC: &[Periodic] = &[
    Periodic::new("mail.sweep", Duration::from_secs(3600), |ctx, _| Box::pin(mail_links::jobs::sweep(ctx))),
    Periodic::new("tokens.rotate", Duration::from_secs(300), |ctx, _| Box::pin(tokens::service::rotate(ctx))),
    Periodic::new("sessions.purge", Duration::from_secs(3600), |ctx, _| {
        Box::pin(sessions::service::purge(ctx))
    }),
    Periodic::new("devices.purge", Duration::from_secs(3600), |ctx, _| {
        Box::pin(devices::service::purge(ctx))
    }),
    Periodic::new("claims.purge", Duration::from_secs(3600), |ctx, _| {
        Box::pin(mail_links::service::purge(ctx))
    }),
];

/// What features keep of users, in the order in which links and logins lock; a login waits for its password's row, and
/// finds none.
const FOLLOWERS: &[Follower] = &[
    Follower {
        deactivated: None,
        erased: Some(|ctx, tx, user| Box::pin(mail_links::service::delete_of_user_in(ctx, tx, user.id))),
    },
    Follower {
        deactivated: None,
        erased: Some(|_, tx, user| {
            Box::pin(async move { credentials::service::delete_in(tx, user.id).await.map(drop) })
        }),
    },
    Follower {
        deactivated: Some(|ctx, tx, user| {
            Box::pin(async move {
                sessions::service::revoke_all_in(ctx, tx, user.id, None, "deactivated").await.map(drop)
            })
        }),
        erased: Some(|ctx, tx, user| Box::pin(sessions::service::erase_in(ctx, tx, user.id))),
    },
];

inventory::submit! { Followers(FOLLOWERS) }

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::api::routes())
        .routes(routes!(sessions::api::login))
        .routes(routes!(sessions::api::refresh))
        .routes(routes!(sessions::api::verify))
        .routes(routes!(sessions::api::logout))
        .routes(routes!(sessions::api::list, sessions::api::revoke_others))
        .routes(routes!(sessions::api::revoke))
        .routes(routes!(mail_links::api::verify))
        .routes(routes!(tokens::api::jwks))
        .merge(api_keys::api::routes())
}
