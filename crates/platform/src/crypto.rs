//! The master key and what is made from it. One key of 32 bytes per deployment; every purpose gets its own
//! key by HKDF-SHA256 (RFC 5869), so that a key for mail links says nothing about the one for signing keys.
//! Secrets at rest are sealed with AES-256-GCM-SIV (RFC 8452), which forgives a repeated nonce.
//!
//! Nothing here shows a secret in `Debug`, and the bytes of keys are overwritten when they are dropped.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use kernel::error::{Error, Kind, Result};
use kernel::id::Random;

/// The master key of the deployment. Cloning shares it.
#[derive(Clone)]
pub struct Keys(Arc<Master>);

struct Master {
    prk: Prk,
    id: [u8; 4],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", HEXLOWER.encode(&self.0.id))
    }
}

/// First byte of everything sealed: what follows is key id, nonce, AES-256-GCM-SIV ciphertext with tag.
const SEALED_V1: u8 = 1;
const HEADER: usize = 1 + 4;
const TAG: usize = 16;

impl Keys {
    /// The key from `secret_key`, or the one in `DATA_DIR/secret.key`, which is made if it is missing.
    /// The error says what to do (`SECRET_KEY_UNUSABLE`, `SECRET_KEY_FILE`).
    pub fn load(secret_key: Option<&SecretString>, data_dir: &Path, random: &Random) -> Result<Keys> {
        match secret_key {
            Some(secret) => Keys::from_secret(secret),
            None => key_file::read_or_make(&data_dir.join("secret.key"), random).map(|key| Keys::new(&key)),
        }
    }

    /// The key from text: 64 hexadecimal digits or base64 (both alphabets) of 32 bytes are the key itself;
    /// other text of at least 32 characters is stretched to one, as other systems' secrets are free text.
    pub fn from_secret(secret: &SecretString) -> Result<Keys> {
        let text = secret.expose_secret().trim();
        if let Some(key) = decode_key(text) {
            return Ok(Keys::new(&key));
        }
        if text.chars().count() < 32 {
            return Err(Error::new(
                Kind::Internal,
                "SECRET_KEY_UNUSABLE",
                "must have at least 32 characters; `openssl rand -hex 32` makes a good one",
            ));
        }
        let mut key = Zeroizing::new([0; 32]);
        fill(
            &Salt::new(HKDF_SHA256, b"regulars secret text").extract(text.as_bytes()),
            "master",
            key.as_mut_slice(),
        );
        Ok(Keys::new(&key))
    }

    fn new(master: &[u8; 32]) -> Keys {
        let prk = Salt::new(HKDF_SHA256, b"regulars master key").extract(master);
        let mut id = [0; 4];
        fill(&prk, "key id", &mut id);
        Keys(Arc::new(Master { prk, id }))
    }

    /// The key for one purpose, such as `signing-keys`. The same purpose always gives the same key.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        fill(&self.0.prk, &format!("purpose {purpose}"), key.as_mut_slice());
        key
    }

    /// What the database keeps to recognise the key; it says nothing about the key itself.
    pub fn fingerprint(&self) -> String {
        let mut print = [0; 16];
        fill(&self.0.prk, "fingerprint", &mut print);
        HEXLOWER.encode(&print)
    }

    /// HMAC-SHA256 under the key for `purpose`.
    pub fn hmac(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.derive(purpose).as_slice());
        let mut out = [0; 32];
        out.copy_from_slice(aws_lc_rs::hmac::sign(&key, data).as_ref());
        out
    }

    /// Encrypts `plaintext` for storage. `aad` ties it to its place (table, column, id): elsewhere it does
    /// not open. 33 bytes longer than the plaintext.
    pub fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        // Not the injected randomness: no test needs a repeatable nonce, and no bug may cause one.
        let nonce: [u8; NONCE_LEN] = Random::System.bytes();
        let mut body = plaintext.to_vec();
        self.cipher(purpose)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .expect("a plaintext that fits into memory can be sealed");
        let mut sealed = Vec::with_capacity(HEADER + NONCE_LEN + body.len());
        sealed.push(SEALED_V1);
        sealed.extend_from_slice(&self.0.id);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        sealed
    }

    /// Decrypts what [`Keys::seal`] made with the same purpose and `aad`. Tells a foreign key
    /// (`SEALED_WITH_ANOTHER_KEY`) from damage (`SEALED_DAMAGED`).
    pub fn open(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || {
            let detail =
                format!("a stored secret ({purpose}) is damaged, or was stored for another place or purpose");
            Error::new(Kind::Internal, "SEALED_DAMAGED", detail)
        };
        if sealed.len() < HEADER + NONCE_LEN + TAG || sealed[0] != SEALED_V1 {
            return Err(damaged());
        }
        if sealed[1..HEADER] != self.0.id {
            let detail = format!(
                "a stored secret ({purpose}) was sealed with another secret_key (key id {}, this one is {})",
                HEXLOWER.encode(&sealed[1..HEADER]),
                HEXLOWER.encode(&self.0.id)
            );
            return Err(Error::new(Kind::Internal, "SEALED_WITH_ANOTHER_KEY", detail));
        }
        let (nonce, body) = sealed[HEADER..].split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher(purpose)
            .open_in_place(nonce, Aad::from(aad), &mut body)
            .map_err(|_| damaged())?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self, purpose: &str) -> LessSafeKey {
        let mut key = Zeroizing::new([0; 32]);
        fill(&self.0.prk, &format!("seal {purpose}"), key.as_mut_slice());
        let key = UnboundKey::new(&AES_256_GCM_SIV, key.as_slice()).expect("32 bytes are an AES-256 key");
        LessSafeKey::new(key)
    }
}

fn decode_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let text = text.as_bytes();
    [HEXLOWER_PERMISSIVE, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD].iter().find_map(|encoding| {
        Zeroizing::new(encoding.decode(text).ok()?).as_slice().try_into().map(Zeroizing::new).ok()
    })
}

/// HKDF-Expand with one label.
fn fill(prk: &Prk, label: &str, out: &mut [u8]) {
    struct Length(usize);
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    prk.expand(&[label.as_bytes()], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("fewer than 255 blocks are asked for");
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data).as_ref());
    out
}

/// SHA-256 of what comes piece by piece.
#[derive(Clone)]
pub struct Sha256(aws_lc_rs::digest::Context);

impl Default for Sha256 {
    fn default() -> Sha256 {
        Sha256(aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256))
    }
}

impl Sha256 {
    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

/// Compares without telling by its duration where the two differ. Their lengths are not hidden.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// The file of the master key: 64 hexadecimal digits, readable by its owner only.
mod key_file {
    use std::io::{ErrorKind, Write};
    use std::path::Path;

    use data_encoding::HEXLOWER;

    use kernel::error::{Error, Kind, Result};
    use kernel::id::Random;
    use secrecy::zeroize::Zeroizing;

    /// Reads the file, and makes it first if it is missing. Of several processes that start together one
    /// makes it, and all read that one: the file appears complete under its name or not at all.
    pub(super) fn read_or_make(path: &Path, random: &Random) -> Result<Zeroizing<[u8; 32]>> {
        if let Some(key) = read(path)? {
            return Ok(key);
        }
        make(path, random).map_err(|e| error(path, &format!("cannot be made: {e}")))?;
        read(path)?.ok_or_else(|| error(path, "has vanished"))
    }

    fn make(path: &Path, random: &Random) -> std::io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        crate::storage::private_dir(dir)?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(".secret.key.").tempfile_in(dir)?;
        let key = Zeroizing::new(HEXLOWER.encode(Zeroizing::new(random.bytes::<32>()).as_slice()));
        writeln!(file, "{}", key.as_str())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => std::fs::File::open(dir)?.sync_all(),
            Err(e) if e.error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e.error),
        }
    }

    fn read(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>> {
        match std::fs::metadata(path) {
            Ok(meta) => check_mode(path, &meta)?,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(error(path, &format!("cannot be read: {e}"))),
        }
        let text = std::fs::read_to_string(path).map_err(|e| error(path, &format!("cannot be read: {e}")))?;
        let text = Zeroizing::new(text);
        let key = super::decode_key(text.trim());
        key.map(Some).ok_or_else(|| {
            error(path, "does not hold a key of 32 bytes; put it back from a backup: what it protects cannot be read with another one")
        })
    }

    #[cfg(unix)]
    fn check_mode(path: &Path, meta: &std::fs::Metadata) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        if meta.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        Err(error(path, &format!("can be read by others; run: chmod 600 {}", path.display())))
    }

    #[cfg(not(unix))]
    fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<()> {
        Ok(())
    }

    fn error(path: &Path, what: &str) -> Error {
        Error::new(Kind::Internal, "SECRET_KEY_FILE", format!("the key file {} {what}", path.display()))
    }
}

#[cfg(test)]
mod tests;
