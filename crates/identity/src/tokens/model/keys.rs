use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use kernel::{Error, Result};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use super::access::{Claims, HEADER_TYPE, Header};

/// How a key signs. It belongs to the key and is never taken from a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on the curve P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
}

impl SigningAlgorithm {
    /// The name in the header of a token.
    pub fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::Es256 => "ES256",
        }
    }

    fn of_library(self) -> Algorithm {
        match self {
            SigningAlgorithm::Es256 => Algorithm::ES256,
        }
    }
}

/// A key pair that signs access tokens. `Debug` shows its id alone.
pub struct SigningKey {
    pkcs8: SecretSlice<u8>,
    signer: EncodingKey,
    public: PublicKey,
}

impl SigningKey {
    /// A new key pair on P-256, from the operating system's randomness.
    pub fn generate() -> Result<SigningKey> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| Error::internal("making a signing key failed"))?;
        SigningKey::from_pkcs8(document.as_ref())
    }

    /// The key pair of a PKCS#8 document in DER, as [`SigningKey::to_pkcs8`] gave it.
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| Error::internal("a stored signing key is not a P-256 key in PKCS#8"))?;
        let public = PublicKey::from_point(pair.public_key().as_ref())?;
        Ok(SigningKey { pkcs8: der.to_vec().into(), signer: EncodingKey::from_ec_der(der), public })
    }

    /// The private key in PKCS#8 DER. Store it encrypted.
    pub fn to_pkcs8(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }

    /// The key's id, see [`PublicKey::kid`].
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The half that verifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The half that verifies, as `/.well-known/jwks.json` serves it.
    pub fn public_jwk(&self) -> PublicJwk {
        self.public.to_jwk()
    }

    /// An access token with these claims (RFC 9068: type `at+jwt`).
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let header = Header {
            typ: HEADER_TYPE.into(),
            alg: self.public.algorithm.name().into(),
            kid: self.kid().into(),
        };
        let encode = |json: serde_json::Result<Vec<u8>>| {
            json.map(|json| BASE64URL_NOPAD.encode(&json))
                .map_err(|cause| Error::internal("writing a token failed").with_source(cause))
        };
        let mut token = encode(serde_json::to_vec(&header))?;
        token.push('.');
        token.push_str(&encode(serde_json::to_vec(claims))?);
        let signature =
            jsonwebtoken::crypto::sign(token.as_bytes(), &self.signer, self.public.algorithm.of_library())
                .map_err(|cause| Error::internal("signing a token failed").with_source(cause))?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid())
    }
}

/// The public half of a signing key.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    algorithm: SigningAlgorithm,
    x: [u8; 32],
    y: [u8; 32],
    verifier: DecodingKey,
}

impl PublicKey {
    /// The key's id: its thumbprint (RFC 7638), so that two keys never share one.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How the key signs.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The key as other programs read it (RFC 7517).
    pub fn to_jwk(&self) -> PublicJwk {
        PublicJwk {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: BASE64URL_NOPAD.encode(&self.x),
            y: BASE64URL_NOPAD.encode(&self.y),
            key_use: "sig".to_owned(),
            alg: self.algorithm.name().to_owned(),
            kid: self.kid.clone(),
        }
    }

    /// The key of a stored JWK. Refused: other kinds of key, a point that is not on the curve, and an id
    /// that is not the key's thumbprint.
    pub fn from_jwk(jwk: &PublicJwk) -> Result<PublicKey> {
        let unusable = || Error::internal("a stored public key is not an ES256 signing key");
        let coordinate =
            |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
        let (Some(x), Some(y)) = (coordinate(&jwk.x), coordinate(&jwk.y)) else { return Err(unusable()) };
        let key = PublicKey::from_point(&[&[4], x.as_slice(), y.as_slice()].concat())?;
        if key.to_jwk() == *jwk { Ok(key) } else { Err(unusable()) }
    }

    /// The key of an uncompressed point: 4, x, y (SEC 1 section 2.3.3).
    fn from_point(point: &[u8]) -> Result<PublicKey> {
        let unusable = || Error::internal("a public key is not a point on P-256");
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| unusable())?;
        let coordinates = point.strip_prefix(&[4]).ok_or_else(unusable)?;
        let (x, y) = coordinates.split_at_checked(32).ok_or_else(unusable)?;
        let (x, y) = (x.try_into().map_err(|_| unusable())?, y.try_into().map_err(|_| unusable())?);
        Ok(PublicKey {
            kid: thumbprint(&x, &y),
            algorithm: SigningAlgorithm::Es256,
            x,
            y,
            verifier: DecodingKey::from_ec_der(point),
        })
    }

    /// Did this key sign `message`? `signature` is the third part of a token.
    pub(super) fn signed(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.of_library();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.verifier, algorithm)
            .unwrap_or(false)
    }
}

/// RFC 7638 section 3: the required members in alphabetic order, without white space.
fn thumbprint(x: &[u8; 32], y: &[u8; 32]) -> String {
    let (x, y) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y));
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, members.as_bytes()).as_ref())
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kid)
    }
}

/// A public key as a JSON Web Key (RFC 7517, RFC 7518 section 6.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicJwk {
    /// Kind of key: `EC`.
    pub kty: String,
    /// Curve: `P-256`.
    pub crv: String,
    /// First coordinate, 32 octets in base64url.
    pub x: String,
    /// Second coordinate, 32 octets in base64url.
    pub y: String,
    /// What the key is for: `sig`.
    #[serde(rename = "use")]
    pub key_use: String,
    /// How the key signs: `ES256`.
    pub alg: String,
    /// Thumbprint of the key (RFC 7638).
    pub kid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public key of RFC 7515 appendix A.3.
    fn rfc_key() -> PublicJwk {
        PublicJwk {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned(),
            y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned(),
            key_use: "sig".to_owned(),
            alg: "ES256".to_owned(),
            kid: "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U".to_owned(),
        }
    }

    #[test]
    fn verifies_the_signature_of_the_rfc() {
        let key = PublicKey::from_jwk(&rfc_key()).unwrap();
        let message = concat!(
            "eyJhbGciOiJFUzI1NiJ9.",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        );
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert!(key.signed(message, signature));
        assert!(!key.signed(&message[1..], signature));
        assert!(!key.signed(message, ""));
    }

    #[test]
    fn keys_survive_storing() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(key.to_pkcs8()).unwrap();
        assert_eq!(again.kid(), key.kid());
        let json = serde_json::to_string(&key.public_jwk()).unwrap();
        assert!(json.contains(r#""use":"sig""#), "{json}");
        let public = PublicKey::from_jwk(&serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!((public.kid(), public.algorithm()), (key.kid(), SigningAlgorithm::Es256));
        assert_ne!(SigningKey::generate().unwrap().kid(), key.kid());
    }

    #[test]
    fn unusable_keys_are_refused() {
        assert!(SigningKey::from_pkcs8(b"not a key").is_err());
        type Change = fn(&mut PublicJwk);
        let changes: [Change; 7] = [
            |jwk| jwk.kty = "RSA".to_owned(),
            |jwk| jwk.crv = "P-384".to_owned(),
            |jwk| jwk.alg = "HS256".to_owned(),
            |jwk| jwk.key_use = "enc".to_owned(),
            |jwk| jwk.kid = "another".to_owned(),
            |jwk| std::mem::swap(&mut jwk.x, &mut jwk.y),
            |jwk| jwk.x.truncate(40),
        ];
        for change in changes {
            let mut jwk = rfc_key();
            change(&mut jwk);
            assert!(PublicKey::from_jwk(&jwk).is_err(), "{jwk:?}");
        }
    }

    #[test]
    fn private_keys_do_not_show() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.kid()));
    }
}
