//! One test per forgery. Forged tokens are made with an independent JWT library where it can make them.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use kernel::clock::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Claims, MAX_TOKEN_BYTES, SigningKey, Verifier};

const NOW: i64 = 1_750_000_000;
const ISSUER: &str = "https://regulars.example";
const AUDIENCE: &str = "regulars";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub: Uuid::from_u128(1),
        aud: AUDIENCE.to_owned(),
        iat: NOW,
        exp: NOW + 600,
        jti: Uuid::from_u128(2),
        sid: Uuid::from_u128(3),
        user_id: Uuid::from_u128(1),
        email: Some("john@example.com".to_owned()),
        first_name: Some("John".to_owned()),
        last_name: Some("Doe".to_owned()),
        user_role: "customer".to_owned(),
        email_verified: true,
        customer_id: Some("CUST_A1B2C3D4".to_owned()),
        company_id: None,
    }
}

fn verifier(key: &SigningKey) -> Verifier {
    Verifier::new([key.public_key().clone()], ISSUER, AUDIENCE)
}

fn header(key: &SigningKey) -> Value {
    json!({ "typ": "at+jwt", "alg": "ES256", "kid": key.kid() })
}

/// A token of any header and claims, signed by this key as ES256.
fn signed(key: &SigningKey, header: &Value, claims: &impl serde::Serialize) -> String {
    let encode = |json: Vec<u8>| BASE64URL_NOPAD.encode(&json);
    let message = format!(
        "{}.{}",
        encode(serde_json::to_vec(header).unwrap()),
        encode(serde_json::to_vec(claims).unwrap())
    );
    let signer = EncodingKey::from_ec_der(key.to_pkcs8());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signer, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

#[track_caller]
fn assert_invalid(verifier: &Verifier, token: &str) {
    let error = verifier.verify(token, at(NOW)).unwrap_err();
    assert_eq!((error.kind().status(), error.code()), (401, "TOKEN_INVALID"), "{token}");
}

#[test]
fn a_genuine_token_says_what_was_signed() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    assert_eq!(verifier(&key).verify(&token, at(NOW)).unwrap(), claims());
    assert_eq!(Verifier::key_id(&token).as_deref(), Some(key.kid()));
    assert!(verifier(&key).knows(key.kid()));
    assert_eq!(signed(&key, &header(&key), &claims()).split('.').nth(1), token.split('.').nth(1));
}

#[test]
fn another_library_reads_our_tokens() {
    let key = SigningKey::generate().unwrap();
    let jwk: jsonwebtoken::jwk::Jwk =
        serde_json::from_value(serde_json::to_value(key.public_jwk()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    let token = key.sign(&claims()).unwrap();
    let read =
        jsonwebtoken::decode::<Claims>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
    assert_eq!(read.claims, claims());
    assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(read.header.kid, jwk.common.key_id);
}

#[test]
fn profile_claims_can_be_left_out() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims().without_profile()).unwrap();
    let body = BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    for absent in ["email", "first_name", "last_name", "company_id"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
    assert_eq!(verifier(&key).verify(&token, at(NOW)).unwrap(), claims().without_profile());
}

#[test]
fn algorithm_none_is_refused() {
    let key = SigningKey::generate().unwrap();
    for alg in ["none", "None", "NONE", ""] {
        let mut header = header(&key);
        header["alg"] = json!(alg);
        let token = signed(&key, &header, &claims());
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_invalid(&verifier(&key), &token);
        assert_invalid(&verifier(&key), &format!("{message}."));
        assert_invalid(&verifier(&key), message);
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let key = SigningKey::generate().unwrap();
    let jwk = serde_json::to_vec(&key.public_jwk()).unwrap();
    let point = [
        vec![4],
        BASE64URL_NOPAD.decode(key.public_jwk().x.as_bytes()).unwrap(),
        BASE64URL_NOPAD.decode(key.public_jwk().y.as_bytes()).unwrap(),
    ]
    .concat();
    for secret in [jwk, point] {
        let mut forged = jsonwebtoken::Header::new(Algorithm::HS256);
        forged.typ = Some("at+jwt".to_owned());
        forged.kid = Some(key.kid().to_owned());
        let token = jsonwebtoken::encode(&forged, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_invalid(&verifier(&key), &token);
        // The same signature under the header that we expect.
        let message = signed(&key, &header(&key), &claims()).rsplit_once('.').unwrap().0.to_owned();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        assert_invalid(&verifier(&key), &format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref())));
    }
}

#[test]
fn changed_claims_are_refused() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let admin = Claims { user_role: "admin".to_owned(), ..claims() };
    let changed = BASE64URL_NOPAD.encode(&serde_json::to_vec(&admin).unwrap());
    assert_invalid(&verifier(&key), &[parts[0], &changed, parts[2]].join("."));
}

#[test]
fn an_empty_or_foreign_signature_is_refused() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let zeros = BASE64URL_NOPAD.encode(&[0; 64]);
    for forged in ["", &zeros, &signature[..85], &format!("{signature}A"), &format!("{signature}==")] {
        assert_invalid(&verifier(&key), &format!("{message}.{forged}"));
    }
    let stranger = SigningKey::generate().unwrap();
    assert_invalid(&verifier(&key), &signed(&stranger, &header(&key), &claims()));
}

#[test]
fn an_unknown_key_is_refused() {
    let key = SigningKey::generate().unwrap();
    let stranger = SigningKey::generate().unwrap();
    let token = stranger.sign(&claims()).unwrap();
    assert_invalid(&verifier(&key), &token);
    let both = Verifier::new([key.public_key().clone(), stranger.public_key().clone()], ISSUER, AUDIENCE);
    assert!(both.verify(&token, at(NOW)).is_ok(), "during rotation both are known");
    let mut nameless = header(&key);
    nameless.as_object_mut().unwrap().remove("kid");
    assert_invalid(&verifier(&key), &signed(&key, &nameless, &claims()));
}

#[test]
fn headers_that_give_orders_are_refused() {
    let key = SigningKey::generate().unwrap();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://evil.example/keys")),
        ("jwk", serde_json::to_value(SigningKey::generate().unwrap().public_jwk()).unwrap()),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("zip", json!("DEF")),
        ("b64", json!(false)),
    ] {
        let mut header = header(&key);
        header[name] = value;
        assert_invalid(&verifier(&key), &signed(&key, &header, &claims()));
    }
}

#[test]
fn a_header_member_given_twice_is_refused() {
    let key = SigningKey::generate().unwrap();
    let doubled = format!(r#"{{"alg":"none","typ":"at+jwt","alg":"ES256","kid":"{}"}}"#, key.kid());
    let body = BASE64URL_NOPAD.encode(&serde_json::to_vec(&claims()).unwrap());
    let message = format!("{}.{body}", BASE64URL_NOPAD.encode(doubled.as_bytes()));
    let signer = EncodingKey::from_ec_der(key.to_pkcs8());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signer, Algorithm::ES256).unwrap();
    assert_invalid(&verifier(&key), &format!("{message}.{signature}"));
}

#[test]
fn other_types_of_token_are_refused() {
    let key = SigningKey::generate().unwrap();
    for typ in [json!("JWT"), json!("AT+JWT"), json!("application/at+jwt"), json!(""), json!(null)] {
        let mut header = header(&key);
        header["typ"] = typ;
        assert_invalid(&verifier(&key), &signed(&key, &header, &claims()));
    }
}

#[test]
fn tokens_of_and_for_others_are_refused() {
    let key = SigningKey::generate().unwrap();
    for wrong in [
        Claims { iss: "https://evil.example".to_owned(), ..claims() },
        Claims { iss: format!("{ISSUER}/"), ..claims() },
        Claims { aud: "another".to_owned(), ..claims() },
        Claims { aud: String::new(), ..claims() },
        Claims { user_id: Uuid::from_u128(9), ..claims() },
    ] {
        assert_invalid(&verifier(&key), &key.sign(&wrong).unwrap());
    }
    let mut list = serde_json::to_value(claims()).unwrap();
    list["aud"] = json!([AUDIENCE, "another"]);
    assert_invalid(&verifier(&key), &signed(&key, &header(&key), &list));
}

#[test]
fn every_claim_that_we_rely_on_must_be_there() {
    let key = SigningKey::generate().unwrap();
    for name in ["iss", "sub", "aud", "iat", "exp", "jti", "sid", "user_id", "user_role", "email_verified"] {
        let mut missing = serde_json::to_value(claims()).unwrap();
        missing.as_object_mut().unwrap().remove(name);
        assert_invalid(&verifier(&key), &signed(&key, &header(&key), &missing));
    }
}

#[test]
fn tokens_end_at_their_second() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    let verifier = verifier(&key);
    assert!(verifier.verify(&token, at(NOW + 599)).is_ok());
    let error = verifier.verify(&token, at(NOW + 600)).unwrap_err();
    assert_eq!((error.kind().status(), error.code()), (401, "TOKEN_EXPIRED"));
    let (message, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", signature.chars().rev().collect::<String>());
    let error = verifier.verify(&forged, at(NOW + 600)).unwrap_err();
    assert_eq!(error.code(), "TOKEN_INVALID", "whether it is over is said of genuine tokens alone");
}

#[test]
fn clocks_of_nodes_may_differ_a_little() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    assert!(verifier(&key).verify(&token, at(NOW - 30)).is_ok());
    let error = verifier(&key).verify(&token, at(NOW - 31)).unwrap_err();
    assert_eq!(error.code(), "TOKEN_INVALID");
    assert_invalid(&verifier(&key), &key.sign(&Claims { exp: NOW, ..claims() }).unwrap());
}

#[test]
fn tokens_have_three_parts_and_a_limit() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    for wrong in [
        String::new(),
        "..".to_owned(),
        parts[..2].join("."),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.x"),
        format!(" {token}"),
        format!("{token}\n"),
        [parts[0], "", parts[2]].join("."),
        "x".repeat(MAX_TOKEN_BYTES + 1),
    ] {
        assert_invalid(&verifier(&key), &wrong);
    }
    let long = Claims { user_role: "x".repeat(MAX_TOKEN_BYTES), ..claims() };
    assert_invalid(&verifier(&key), &key.sign(&long).unwrap());
}

#[test]
fn the_longest_names_stay_far_below_the_limit() {
    let key = SigningKey::generate().unwrap();
    let longest = Claims {
        first_name: Some("\u{10ffff}".repeat(100)),
        last_name: Some("\"".repeat(100)),
        email: Some("\u{10ffff}".repeat(254)),
        company_id: Some("COMP-123456".to_owned()),
        ..claims()
    };
    assert!(key.sign(&longest).unwrap().len() < MAX_TOKEN_BYTES / 2);
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC*|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        let verifier = Verifier::new([], ISSUER, AUDIENCE);
        prop_assert!(verifier.verify(&text, at(NOW)).is_err());
        let _ = Verifier::key_id(&text);
    }

    #[test]
    fn any_changed_character_breaks_the_token(place in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&claims()).unwrap();
        let place = place.index(token.len());
        let mut forged = token.clone();
        forged.replace_range(place..=place, &to);
        if forged != token {
            prop_assert!(verifier(&key).verify(&forged, at(NOW)).is_err());
        }
    }
}
