//! Refresh tokens and the secrets of API keys: random texts that mean nothing without the database.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::BASE64URL_NOPAD;
use kernel::id::Random;

/// A refresh token: `rt_` and 256 bits in base64url. Only its hash is stored. `Debug` shows nothing.
#[derive(Clone)]
pub struct RefreshToken([u8; 32]);

/// The secret of an API key: `rk_` and 256 bits in base64url. Only its hash is stored. `Debug` shows nothing.
#[derive(Clone)]
pub struct ApiKeySecret([u8; 32]);

const REFRESH: &str = "rt_";
const API_KEY: &str = "rk_";

impl RefreshToken {
    /// The first token of a session.
    pub fn generate(random: &Random) -> RefreshToken {
        RefreshToken(random.bytes())
    }

    /// Reads what a client presents; `None` when it cannot be a refresh token.
    pub fn parse(text: &str) -> Option<RefreshToken> {
        decode(REFRESH, text).map(RefreshToken)
    }

    /// The text for the client, once.
    pub fn reveal(&self) -> String {
        encode(REFRESH, &self.0)
    }

    /// What is stored: SHA-256. A slow hash would add nothing to 256 random bits.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.0)
    }

    /// The token that follows this one. It is computed from it, so that a client which lost the answer and
    /// asks again gets the same successor, though only hashes are stored.
    pub fn successor(&self, key: &RefreshKey) -> RefreshToken {
        let mut next = [0; 32];
        next.copy_from_slice(hmac::sign(&key.0, &self.0).as_ref());
        RefreshToken(next)
    }
}

impl ApiKeySecret {
    /// A new secret.
    pub fn generate(random: &Random) -> ApiKeySecret {
        ApiKeySecret(random.bytes())
    }

    /// Reads what a client presents; `None` when it cannot be an API key.
    pub fn parse(text: &str) -> Option<ApiKeySecret> {
        decode(API_KEY, text).map(ApiKeySecret)
    }

    /// Does this begin like a key, whether it is one or not?
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(API_KEY)
    }

    /// The text for the client, once.
    pub fn reveal(&self) -> String {
        encode(API_KEY, &self.0)
    }

    /// What is stored: SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// The server's key for successors of refresh tokens, derived from the master key for this purpose alone.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

impl RefreshKey {
    /// From 32 secret octets.
    pub fn new(secret: &[u8; 32]) -> RefreshKey {
        RefreshKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

fn encode(prefix: &str, secret: &[u8; 32]) -> String {
    format!("{prefix}{}", BASE64URL_NOPAD.encode(secret))
}

/// One text per secret: the encoding refuses padding, white space and stray bits at the end.
fn decode(prefix: &str, text: &str) -> Option<[u8; 32]> {
    let rest = text.strip_prefix(prefix).filter(|rest| rest.len() == 43)?;
    BASE64URL_NOPAD.decode(rest.as_bytes()).ok()?.try_into().ok()
}

fn sha256(secret: &[u8; 32]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    hash
}

impl PartialEq for RefreshToken {
    fn eq(&self, other: &RefreshToken) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl PartialEq for ApiKeySecret {
    fn eq(&self, other: &ApiKeySecret) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(***)")
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(***)")
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_have_their_prefix_and_do_not_mix() {
        let random = Random::seeded(1);
        let refresh = RefreshToken::generate(&random).reveal();
        let api = ApiKeySecret::generate(&random).reveal();
        assert!(refresh.starts_with("rt_") && refresh.len() == 46, "{refresh}");
        assert!(api.starts_with("rk_") && api.len() == 46, "{api}");
        assert!(RefreshToken::parse(&refresh).is_some() && ApiKeySecret::parse(&api).is_some());
        assert!(RefreshToken::parse(&api).is_none() && ApiKeySecret::parse(&refresh).is_none());
    }

    #[test]
    fn one_secret_has_one_text() {
        let text = RefreshToken([0xff; 32]).reveal();
        assert_eq!(text, format!("rt_{}8", "_".repeat(42)));
        for wrong in [
            format!("{text} "),
            format!("{text}="),
            format!("RT_{}8", "_".repeat(42)),
            format!("rt_{}9", "_".repeat(42)),
            format!("rt_{}/", "_".repeat(42)),
            "rt_".to_owned(),
            String::new(),
        ] {
            assert!(RefreshToken::parse(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_hash_is_sha256_of_the_secret() {
        let expected = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(HEXLOWER.encode(&RefreshToken([0; 32]).hash()), expected);
        assert_eq!(HEXLOWER.encode(&ApiKeySecret([0; 32]).hash()), expected);
    }

    #[test]
    fn successors_repeat_and_depend_on_token_and_key() {
        let (one, two) = (RefreshKey::new(&[1; 32]), RefreshKey::new(&[2; 32]));
        let token = RefreshToken([7; 32]);
        assert_eq!(token.successor(&one), token.successor(&one));
        assert_ne!(token.successor(&one), token.successor(&two));
        assert_ne!(token.successor(&one), RefreshToken([8; 32]).successor(&one));
        assert_ne!(token.successor(&one).successor(&one), token.successor(&one));
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", RefreshToken([7; 32])), "RefreshToken(***)");
        assert_eq!(format!("{:?}", ApiKeySecret([7; 32])), "ApiKeySecret(***)");
        assert_eq!(format!("{:?}", RefreshKey::new(&[7; 32])), "RefreshKey(***)");
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(secret in any::<[u8; 32]>(), text in "\\PC*|r[tk]_[A-Za-z0-9_-]{42,44}") {
            let token = RefreshToken(secret);
            prop_assert_eq!(RefreshToken::parse(&token.reveal()).unwrap(), token);
            if let Some(token) = RefreshToken::parse(&text) {
                prop_assert_eq!(token.reveal(), text.clone());
            }
            if let Some(key) = ApiKeySecret::parse(&text) {
                prop_assert_eq!(key.reveal(), text);
            }
        }
    }
}
