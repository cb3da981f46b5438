//! The page's password, hashed: slow to guess, also for who has the hash.
//!
//! Promises: argon2id with the parameters of its crate (19 MiB, two passes); the comparison takes the
//! same time whatever was typed. Must not: keep what was typed.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// What a hash begins with.
const MARK: &str = "$argon2";
/// The longest password that is looked at, in bytes.
pub(super) const PASSWORD_BYTES_MAX: usize = 1024;

/// The hash of a password, as one line. Takes some hundredths of a second.
///
/// # Errors
///
/// Where there is no memory for it.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = uuid::Uuid::new_v4();
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt.as_bytes())?;
    Ok(hash.to_string())
}

/// The hash of what the config leads to: it may be one already.
pub(super) fn hashed(secret: &str) -> Result<String, argon2::password_hash::Error> {
    if secret.starts_with(MARK) { Ok(secret.to_owned()) } else { hash(secret) }
}

/// Whether a password is the one that was hashed. Takes some hundredths of a second.
pub(super) fn is_right(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits_and_a_hash_is_taken_as_it_is() {
        let made = hash("correct horse battery").expect("a hash");
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_eq!(hashed(&made).expect("taken"), made);
        assert!(is_right(&made, "correct horse battery"));
        for wrong in ["", "correct horse batter", "correct horse battery ", made.as_str()] {
            assert!(!is_right(&made, wrong), "{wrong}");
        }
        assert!(!is_right("nonsense", "nonsense"));
        assert_ne!(made, hash("correct horse battery").expect("a hash"), "salted");
    }
}
