use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::PublicKey;

/// Longest token that is looked at, in octets. Ours stay below half of it, whatever the names.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// Type of an access token (RFC 9068 section 2.1). An ID token or a mail link is signed by the same keys
/// and must not open the API.
pub(super) const HEADER_TYPE: &str = "at+jwt";

/// How far ahead of ours the clock of the node that issued a token may run, in seconds.
const CLOCK_DIFFERENCE: i64 = 30;

/// What an access token says. The database alone decides what its bearer may do; everything beyond `sub`
/// and `sid` is for clients that want to show who is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer: the deployment's public address.
    pub iss: String,
    /// Subject: the user's id.
    pub sub: Uuid,
    /// For whom: the deployment's API.
    pub aud: String,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not valid from this second on, seconds since 1970.
    pub exp: i64,
    /// Id of this token.
    pub jti: Uuid,
    /// Session that it belongs to.
    pub sid: Uuid,
    /// The user's id once more, under the name that older clients read.
    pub user_id: Uuid,
    /// The user's e-mail address; absent without one and with `jwt.profile_claims = false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The user's first name; absent with `jwt.profile_claims = false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The user's last name; absent with `jwt.profile_claims = false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Code of the user's role.
    pub user_role: String,
    /// Has the user proved the e-mail address?
    pub email_verified: bool,
    /// `CUST_…` of the user's customer profile, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// `COMP-…` of the user's company, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
}

impl Claims {
    /// The claims without what is personal: for `jwt.profile_claims = false`.
    pub fn without_profile(self) -> Claims {
        Claims { email: None, first_name: None, last_name: None, ..self }
    }
}

/// The header of a token. Nothing else may stand in it: that refuses `crit`, `jku`, `jwk`, `x5u`, `x5c`
/// and whatever else is invented for telling a verifier what to do.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    pub(super) typ: Cow<'a, str>,
    pub(super) alg: Cow<'a, str>,
    pub(super) kid: Cow<'a, str>,
}

/// Checks access tokens against a fixed set of keys, issuer and audience. Cheap to build again when the
/// keys change.
pub struct Verifier {
    keys: HashMap<String, PublicKey>,
    issuer: String,
    audience: String,
}

impl Verifier {
    /// A verifier that accepts tokens of `issuer` for `audience` signed by one of `keys` (those that sign
    /// now, those that will, and those whose last tokens are still valid).
    pub fn new(
        keys: impl IntoIterator<Item = PublicKey>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Verifier {
        Verifier {
            keys: keys.into_iter().map(|key| (key.kid().to_owned(), key)).collect(),
            issuer: issuer.into(),
            audience: audience.into(),
        }
    }

    /// Is this one of the keys?
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// The claims of a token that is genuine and valid at `now`.
    ///
    /// A token ends exactly at its `exp`: a client that refreshes early loses nothing by that, and a
    /// revoked one lives no longer than promised. For `iat`, clocks of two nodes may differ by 30 seconds.
    ///
    /// Errors: 401 `TOKEN_EXPIRED` for one that is genuine and over, 401 `TOKEN_INVALID` for all else; the
    /// answer never says what was wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims> {
        let claims = self.genuine(token).ok_or_else(invalid)?;
        let now = now.as_seconds();
        if claims.iss != self.issuer
            || claims.aud != self.audience
            || claims.sub != claims.user_id
            || claims.iat > now.saturating_add(CLOCK_DIFFERENCE)
            || claims.exp <= claims.iat
        {
            return Err(invalid());
        }
        if claims.exp <= now {
            return Err(Error::unauthorized(
                "TOKEN_EXPIRED",
                "The access token has expired; get a new one with the refresh token",
            ));
        }
        Ok(claims)
    }

    fn genuine(&self, token: &str) -> Option<Claims> {
        let parts = Parts::of(token)?;
        let header = BASE64URL_NOPAD.decode(parts.header.as_bytes()).ok()?;
        let header: Header<'_> = serde_json::from_slice(&header).ok()?;
        let key = self.keys.get(header.kid.as_ref())?;
        if header.typ != HEADER_TYPE || header.alg != key.algorithm().name() {
            return None;
        }
        if !key.signed(parts.message, parts.signature) {
            return None;
        }
        let claims = BASE64URL_NOPAD.decode(parts.claims.as_bytes()).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// The key that a token names, before anything is checked. When the verifier does not know it, another
    /// node may have made it since the keys were loaded.
    pub fn key_id(token: &str) -> Option<String> {
        let header = BASE64URL_NOPAD.decode(Parts::of(token)?.header.as_bytes()).ok()?;
        let header: Header<'_> = serde_json::from_slice(&header).ok()?;
        Some(header.kid.into_owned())
    }
}

struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// What is signed: header, dot, claims.
    message: &'a str,
}

impl Parts<'_> {
    /// Exactly three parts, none of them empty.
    fn of(token: &str) -> Option<Parts<'_>> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let whole = !header.is_empty() && !claims.is_empty() && !signature.is_empty();
        (whole && !claims.contains('.')).then_some(Parts { header, claims, signature, message })
    }
}

fn invalid() -> Error {
    Error::unauthorized("TOKEN_INVALID", "The access token is not valid here; log in again")
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} keys, issuer {})", self.keys.len(), self.issuer)
    }
}
