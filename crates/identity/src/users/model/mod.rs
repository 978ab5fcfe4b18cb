//! The values that a user consists of. Each is read from text by its `parse` and cannot hold a wrong value.
//!
//! - `email`: what was typed, and the key that is unique;
//! - `phone`: refuses only what cannot be a phone; E.164 when the number is valid somewhere;
//! - `name`: names of persons, postal address, locale;
//! - `username`: the rule, and the candidates for a generated one;
//! - `avatar`: the name of a stored picture, and where it is served;
//! - `reference`: public ids, and what stands in a path.

mod avatar;
mod contact;
mod email;
mod name;
mod phone;
mod reference;
mod username;

pub use avatar::{AVATAR_SIZES, AvatarName, AvatarPaths};
pub use contact::{UserEmail, UserPhone};
pub use email::Email;
pub use name::{DocumentTypeCode, IdentityNumber, Locale, PersonName, UserAddress, full_name, name_key};
pub use phone::{Phone, PhoneFacts, PhoneStatus};
pub use reference::{UniqueId, UserRef};
pub use username::{Username, UsernameCandidates, username_base};
