use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kernel::id::Random;
use kernel::{Error, Result};

use super::Password;

/// Memory in KiB, passes and lanes of a new hash: OWASP's first choice for argon2id, about 20 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Limits of a stored hash: an imported one must not be able to take the whole machine.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 20;
const MOST_LANES: u32 = 16;

/// A stored password: argon2 in the PHC string format, which names its own parameters and salt.
/// `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes a password with argon2id. Takes 19 MiB and about 20 ms: never on an async thread, see
    /// [`super::super::hasher::Hasher`].
    pub fn create(password: &Password, random: &Random) -> Result<PasswordHash> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(broken)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let salt: [u8; 16] = random.bytes();
        let hash: phc::PasswordHash =
            argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(broken)?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Reads a stored hash. Refused: other formats than argon2, and parameters past any reason.
    pub fn parse(stored: &str) -> Result<PasswordHash> {
        let unreadable = || Error::internal("a stored password hash is not a usable argon2 PHC string");
        let hash = phc::PasswordHash::new(stored).map_err(|_| unreadable())?;
        let params = Params::try_from(&hash).map_err(|_| unreadable())?;
        let usable = Algorithm::try_from(hash.algorithm.as_str()).is_ok()
            && hash.salt.is_some()
            && hash.hash.is_some()
            && hash.version.is_none_or(|v| Version::try_from(v).is_ok())
            && params.m_cost() <= MOST_MEMORY_KIB
            && params.t_cost() <= MOST_PASSES
            && params.p_cost() <= MOST_LANES;
        if usable { Ok(PasswordHash(stored.to_owned())) } else { Err(unreadable()) }
    }

    /// The form that is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it this password? Costs what the hash's own parameters cost; never on an async thread.
    pub fn matches(&self, password: &Password) -> Result<bool> {
        let hash = phc::PasswordHash::new(&self.0).map_err(broken)?;
        match Argon2::default().verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(other) => Err(broken(other)),
        }
    }

    /// Was it made with other parameters than new ones are? Then hash the password again at its next login.
    pub fn needs_rehash(&self) -> bool {
        let Ok(hash) = phc::PasswordHash::new(&self.0) else { return true };
        let Ok(params) = Params::try_from(&hash) else { return true };
        hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || hash.version != Some(u32::from(Version::V0x13))
            || (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
    }

    /// A hash with the parameters of a new one that no password is known to match: comparing with it takes
    /// as long as comparing with a real one.
    pub(crate) fn of_nobody() -> PasswordHash {
        PasswordHash(
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$bm8gcGFzc3dvcmQgaGFzaGVzIHRvIHRoaXMgdGV4dCE"
                .to_owned(),
        )
    }
}

fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("hashing a password failed").with_source(cause)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::presented(text).unwrap()
    }

    #[test]
    fn a_hash_matches_its_password_alone() {
        let hash = PasswordHash::create(&password("Pass123!"), &Random::seeded(1)).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(hash.matches(&password("Pass123!")).unwrap());
        assert!(!hash.matches(&password("pass123!")).unwrap());
        assert!(!hash.needs_rehash());
        assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
    }

    #[test]
    fn the_same_password_never_hashes_twice_alike() {
        let random = Random::seeded(1);
        let one = PasswordHash::create(&password("Pass123!"), &random).unwrap();
        assert_ne!(one, PasswordHash::create(&password("Pass123!"), &random).unwrap());
    }

    /// The reference implementation: `echo -n password | argon2 somesalt -t 2 -m 16 -p 1`.
    #[test]
    fn other_parameters_are_understood_and_renewed() {
        let old = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
        let old = PasswordHash::parse(old).unwrap();
        assert!(old.matches(&password("password")).unwrap());
        assert!(!old.matches(&password("Password")).unwrap());
        assert!(old.needs_rehash());
    }

    #[test]
    fn nobody_costs_what_somebody_costs() {
        let nobody = PasswordHash::of_nobody();
        assert_eq!(PasswordHash::parse(nobody.as_str()).unwrap(), nobody);
        assert!(!nobody.needs_rehash(), "the same parameters as a new hash");
        assert!(!nobody.matches(&password("Pass123!")).unwrap());
    }

    #[test]
    fn unusable_hashes_are_refused() {
        for stored in [
            "",
            "Pass123!",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
            "$argon2id$v=19$m=19456,t=4000,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        ] {
            assert!(PasswordHash::parse(stored).is_err(), "{stored}");
        }
    }

    #[test]
    fn hashes_do_not_show() {
        assert_eq!(format!("{:?}", PasswordHash::of_nobody()), "PasswordHash(***)");
    }
}
