//! Refresh tokens, the secrets of API keys and the tokens of devices: random texts that mean nothing without the
//! database, where only their hashes are stored. None shows in `Debug`, and all are overwritten when dropped.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE64URL_NOPAD;
use kernel::id::Random;
use platform::crypto::sha256;
use secrecy::zeroize::Zeroizing;

/// A refresh token: `rt_` and 256 bits in base64url.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshToken(Bits);

/// The secret of an API key: `rk_` and 256 bits in base64url.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKeySecret(Bits);

/// By which a device is known at the next login: 256 bits in base64url.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceToken(Bits);

const REFRESH: &str = "rt_";
const API_KEY: &str = "rk_";

impl RefreshToken {
    /// The first token of a session.
    pub fn generate(random: &Random) -> RefreshToken {
        RefreshToken(Bits::generate(random))
    }

    /// Reads what a client presents; `None` when it cannot be a refresh token.
    pub fn parse(text: &str) -> Option<RefreshToken> {
        text.strip_prefix(REFRESH).and_then(Bits::decode).map(RefreshToken)
    }

    /// The text for the client, once.
    pub fn reveal(&self) -> String {
        format!("{REFRESH}{}", self.0.encode())
    }

    /// What is stored: SHA-256. A slow hash would add nothing to 256 random bits.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.0.as_slice())
    }

    /// The token that follows this one. It is computed from it, so that a client which lost the answer and
    /// asks again gets the same successor, though only hashes are stored.
    pub fn successor(&self, key: &RefreshKey) -> RefreshToken {
        let mut next = Bits(Zeroizing::new([0; 32]));
        next.0.copy_from_slice(hmac::sign(&key.0, self.0.0.as_slice()).as_ref());
        RefreshToken(next)
    }
}

impl ApiKeySecret {
    /// A new secret.
    pub fn generate(random: &Random) -> ApiKeySecret {
        ApiKeySecret(Bits::generate(random))
    }

    /// Reads what a client presents; `None` when it cannot be an API key.
    pub fn parse(text: &str) -> Option<ApiKeySecret> {
        text.strip_prefix(API_KEY).and_then(Bits::decode).map(ApiKeySecret)
    }

    /// Does this begin like a key, whether it is one or not?
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(API_KEY)
    }

    /// The text for the client, once.
    pub fn reveal(&self) -> String {
        format!("{API_KEY}{}", self.0.encode())
    }

    /// What is stored: SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.0.as_slice())
    }
}

impl DeviceToken {
    /// A new token.
    pub fn generate(random: &Random) -> DeviceToken {
        DeviceToken(Bits::generate(random))
    }

    /// Reads what a client presents; `None` when it cannot be the token of a device.
    pub fn parse(text: &str) -> Option<DeviceToken> {
        Bits::decode(text).map(DeviceToken)
    }

    /// The text for the client.
    pub fn reveal(&self) -> String {
        self.0.encode()
    }

    /// What is stored: SHA-256 of the text.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.encode().as_bytes())
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

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(***)")
    }
}

/// 256 random bits.
#[derive(Clone)]
struct Bits(Zeroizing<[u8; 32]>);

impl Bits {
    fn generate(random: &Random) -> Bits {
        Bits(Zeroizing::new(random.bytes()))
    }

    fn encode(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.as_slice())
    }

    /// One text per secret: the encoding refuses padding, white space and stray bits at the end.
    fn decode(text: &str) -> Option<Bits> {
        let mut bits = Bits(Zeroizing::new([0; 32]));
        let fits = BASE64URL_NOPAD.decode_len(text.len()) == Ok(bits.0.len());
        (fits && BASE64URL_NOPAD.decode_mut(text.as_bytes(), bits.0.as_mut_slice()).is_ok()).then_some(bits)
    }
}

impl PartialEq for Bits {
    fn eq(&self, other: &Bits) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_slice(), other.0.as_slice()).is_ok()
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    fn bits(bits: [u8; 32]) -> Bits {
        Bits(Zeroizing::new(bits))
    }

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
        let text = RefreshToken(bits([0xff; 32])).reveal();
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
        assert_eq!(HEXLOWER.encode(&RefreshToken(bits([0; 32])).hash()), expected);
        assert_eq!(HEXLOWER.encode(&ApiKeySecret(bits([0; 32])).hash()), expected);
    }

    #[test]
    fn successors_repeat_and_depend_on_token_and_key() {
        let (one, two) = (RefreshKey::new(&[1; 32]), RefreshKey::new(&[2; 32]));
        let token = RefreshToken(bits([7; 32]));
        assert_eq!(token.successor(&one), token.successor(&one));
        assert_ne!(token.successor(&one), token.successor(&two));
        assert_ne!(token.successor(&one), RefreshToken(bits([8; 32])).successor(&one));
        assert_ne!(token.successor(&one).successor(&one), token.successor(&one));
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", RefreshToken(bits([7; 32]))), "RefreshToken(***)");
        assert_eq!(format!("{:?}", ApiKeySecret(bits([7; 32]))), "ApiKeySecret(***)");
        assert_eq!(format!("{:?}", RefreshKey::new(&[7; 32])), "RefreshKey(***)");
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(secret in any::<[u8; 32]>(), text in "\\PC*|r[tk]_[A-Za-z0-9_-]{42,44}") {
            let token = RefreshToken(bits(secret));
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
