//! A user as it is shown. Its routes are those of the features that stand on users.

use kernel::clock::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::model::AvatarPaths;
use super::service::User;

/// A user, as it reads itself and as staff read it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = User)]
pub struct UserReply {
    /// UUIDv7.
    pub id: Uuid,
    /// `USER-10000000`.
    pub unique_id: String,
    /// Lower case, unique.
    pub username: String,
    /// As it was typed; absent for somebody who is only reached by phone.
    pub email: Option<String>,
    /// An address that waits for its owner's proof.
    pub pending_email: Option<String>,
    /// The address was proved, or staff marked it.
    pub email_verified: bool,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// As it was typed.
    pub phone: Option<String>,
    /// The phone was proved, or staff marked it.
    pub phone_verified: bool,
    /// Role code.
    pub role: String,
    /// Every role but customer.
    pub is_staff: bool,
    /// The role admin.
    pub is_superuser: bool,
    /// `COMP-001`.
    pub company_id: Option<String>,
    /// Postal address in one text.
    pub address: Option<String>,
    /// Code of the kind of identity document.
    pub document_type: Option<String>,
    /// Number on the identity document.
    pub number_document_identity: Option<String>,
    /// BCP 47.
    pub locale: Option<String>,
    /// The picture, in three sizes.
    pub avatar: Option<AvatarPaths>,
    /// May log in.
    pub is_active: bool,
    /// Last login.
    pub last_login: Option<Timestamp>,
    /// The same as `created_at`.
    pub date_joined: Timestamp,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

impl From<&User> for UserReply {
    fn from(u: &User) -> UserReply {
        UserReply {
            id: u.id,
            unique_id: u.unique_id(),
            username: u.username.clone(),
            email: u.email.as_str().map(str::to_owned),
            pending_email: u.pending_email.clone(),
            email_verified: u.email_verified,
            first_name: u.first_name.clone(),
            last_name: u.last_name.clone(),
            phone: u.phone.as_str().map(str::to_owned),
            phone_verified: u.phone_verified,
            role: u.role.clone(),
            is_staff: u.role != "customer",
            is_superuser: u.role == "admin",
            company_id: u.company_id.clone(),
            address: u.address.clone(),
            document_type: u.document_type.clone(),
            number_document_identity: u.number_document_identity.clone(),
            locale: u.locale.clone(),
            avatar: AvatarPaths::of(u.avatar.as_deref()),
            is_active: u.is_active,
            last_login: u.last_login,
            date_joined: u.created_at,
            created_at: u.created_at,
            updated_at: u.updated_at,
            version: u.version,
        }
    }
}
