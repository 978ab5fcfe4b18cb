use secrecy::SecretString;

use super::{Keys, constant_time_eq};
use kernel::id::Random;

fn keys(text: &str) -> Keys {
    Keys::from_secret(&SecretString::from(text)).unwrap()
}

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn one_key_in_three_spellings_and_free_text() {
    let key = keys(HEX).fingerprint();
    assert_eq!(keys(&HEX.to_uppercase()).fingerprint(), key);
    assert_eq!(keys("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").fingerprint(), key);
    assert_eq!(keys("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").fingerprint(), key);
    let free = "django-insecure-#k2!x_q7%w)fw+9y$@2o0w^0c8f";
    assert_eq!(keys(free).fingerprint(), keys(free).fingerprint());
    assert_ne!(keys(free).fingerprint(), key);
    let short = Keys::from_secret(&SecretString::from("only 31 characters, one missing")).unwrap_err();
    assert_eq!(short.code(), "SECRET_KEY_UNUSABLE");
    assert!(!format!("{short:?}").contains("missing"));
}

#[test]
fn derived_keys_stay_what_they_are() {
    // If these change, nothing that a deployment has sealed can be opened any more. Computed
    // with another implementation of RFC 5869.
    let keys = keys(HEX);
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    assert_eq!(keys.fingerprint(), "b8153e5d3e04d10cf4c6543267c8f876");
    assert_eq!(
        hex(keys.derive("signing-keys").as_slice()),
        "1537b8029b87592dfa9af0ef7ea1598871b249c0c128a9fdd9b9d49c37891725"
    );
    assert_eq!(
        hex(&keys.hmac("links", b"data")),
        "cb9e7480e3656cfd35ff58bebfb81d4b6017468f8b37c03f3a0b970781b03257"
    );
    assert_ne!(keys.derive("signing-keys"), keys.derive("links"));
}

#[test]
fn sealed_secrets_open_only_where_they_belong() {
    let keys = keys(HEX);
    let sealed = keys.seal("totp", b"user 1", b"the secret");
    assert_eq!(sealed.len(), b"the secret".len() + 33);
    assert_ne!(sealed, keys.seal("totp", b"user 1", b"the secret"));
    assert_eq!(keys.open("totp", b"user 1", &sealed).unwrap().as_slice(), b"the secret");
    assert_eq!(keys.open("totp", b"", &keys.seal("totp", b"", b"")).unwrap().as_slice(), b"");
    let code =
        |keys: &Keys, purpose, aad: &[u8], sealed: &[u8]| keys.open(purpose, aad, sealed).unwrap_err().code();
    assert_eq!(code(&keys, "totp", b"user 2", &sealed), "SEALED_DAMAGED");
    assert_eq!(code(&keys, "webhook", b"user 1", &sealed), "SEALED_DAMAGED");
    let other = super::tests::keys(&HEX.replace("00", "ff"));
    assert_eq!(code(&other, "totp", b"user 1", &sealed), "SEALED_WITH_ANOTHER_KEY");
    for length in 0..sealed.len() {
        assert!(keys.open("totp", b"user 1", &sealed[..length]).is_err());
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(keys.open("totp", b"user 1", &changed).is_err(), "byte {at}");
    }
}

#[test]
fn the_key_file_is_made_once_and_only_for_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = std::sync::Barrier::new(8);
    let (start, data) = (&start, &data);
    let prints: Vec<String> = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..8)
            .map(|seed| {
                scope.spawn(move || {
                    start.wait();
                    Keys::load(None, data, &Random::seeded(seed)).unwrap().fingerprint()
                })
            })
            .collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert!(prints.iter().all(|print| *print == prints[0]), "{prints:?}");
    assert_eq!(Keys::load(None, data, &Random::System).unwrap().fingerprint(), prints[0]);
    let files: Vec<_> = std::fs::read_dir(data).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["secret.key"], "no temporary file stays");
    let given = Keys::load(Some(&SecretString::from(HEX)), data, &Random::System).unwrap();
    assert_ne!(given.fingerprint(), prints[0]);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.key");
    std::fs::write(&path, HEX).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Keys::load(None, dir.path(), &Random::System).unwrap_err();
    assert!(error.detail().contains("chmod 600"), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Keys::load(None, dir.path(), &Random::System).unwrap().fingerprint(), keys(HEX).fingerprint());
    std::fs::write(&path, "cut off").unwrap();
    let error = Keys::load(None, dir.path(), &Random::System).unwrap_err();
    assert!(error.detail().contains("backup") && !error.detail().contains("cut off"), "{error}");
}

#[test]
fn nothing_shows_a_secret() {
    let shown = format!("{:?} {:?}", SecretString::from(HEX), keys(HEX));
    assert!(!shown.contains(HEX) && !shown.contains(&HEX[..8]), "{shown}");
    assert!(constant_time_eq(b"same", b"same") && !constant_time_eq(b"same", b"sam"));
}
