//! `/api/auth/email/verify/`.

use axum::http::StatusCode;
use axum::response::Response;
use kernel::Result;
use kernel::web::problem::Problems;
use kernel::web::reply;
use kernel::web::{Body, Fields, Input};
use platform::http::guard::Public;
use secrecy::SecretString;
use serde_json::json;

use super::service;
use crate::users::api::UserReply;

/// The secret of a link, and a password where it is needed.
pub struct Proof {
    token: SecretString,
    password: Option<SecretString>,
    keep_password: bool,
}

impl Input for Proof {
    const NAME: &'static str = "EmailProof";

    fn read(f: &mut Fields<'_>) -> Option<Proof> {
        let token = f.need_secret("token", 512);
        let password = f.secret(["password", "password1", "password2"], 512);
        let keep = f.get("keep_password");
        f.note(
            "Needs a password unless the request carries an access token of the same user: the account's own, or a new \
             one, which replaces it. With `keep_password` another one than the account's is 401.",
        );
        f.example(|| json!({"token": "<the token of a mailed link>", "password": "Difference-Engine-1842"}));
        f.build(|| Proof {
            token: token.get(),
            password: password.value(),
            keep_password: keep.value().unwrap_or(false),
        })
    }
}

/// A proof of an address.
pub type ProofBody = Body<Proof>;

/// Consumes the link of a mail: the address is proven, an account that staff typed in is claimed.
#[utoipa::path(post, path = "/api/auth/email/verify", operation_id = "verifyEmail", tag = "account",
    security(()), request_body = ProofBody,
    responses((status = 200, body = UserReply), Problems))]
pub(crate) async fn verify(Public(ctx): Public, Body(proof): ProofBody) -> Result<Response> {
    let user = service::verify(&ctx, &proof.token, proof.password.as_ref(), proof.keep_password).await?;
    Ok(reply::json(StatusCode::OK, &UserReply::from(&user)))
}
