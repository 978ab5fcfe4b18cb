//! The part of a customer that is stored with its user: names, e-mail, phone. Written through identity only.

use identity::mail_links::service as mail_links;
use identity::roles::service as roles;
use identity::users::model::{Email, PersonName, Phone, UserRef};
use identity::users::service::{self as users, User, UserChange};
use kernel::web::Field;
use kernel::{Error, FieldError, Result};
use platform::Tx;
use platform::access::Scope;
use platform::ctx::Ctx;

use super::members::{Rights, not_writable};
use crate::customer::model::CustomerRow;

/// What a body says about the person.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub email: Field<Email>,
    pub phone: Field<Phone>,
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
}

/// 409 for an address that somebody has.
pub(super) fn email_exists() -> Error {
    Error::conflict("CUSTOMER_EMAIL_EXISTS", "Customer with this email already exists")
}

/// What identity refuses, in the words of customers.
pub(super) fn taken(e: Error) -> Error {
    let e = users::taken(e);
    if e.code() == "USER_EMAIL_EXISTS" { email_exists().with_source(e) } else { e }
}

/// Somebody with a role of staff is changed as a user, not through a profile that they happen to have: by who manages
/// users, and by nobody who may do less than they. 403 `FIELD_NOT_WRITABLE`.
pub(crate) async fn require_over_user(
    ctx: &Ctx,
    tx: &mut Tx,
    rights: Rights,
    row: &CustomerRow,
    names: &[&'static str],
) -> Result<()> {
    if row.user_role == "customer" {
        return Ok(());
    }
    if !rights.manages_users {
        return Err(not_writable(names));
    }
    let role = roles::find_in(tx, &row.user_role).await?;
    roles::require_covered(ctx.caller()?, &role).map_err(|e| not_writable(names).with_source(e))
}

impl Person {
    /// Does it say anything else than what is stored?
    pub(super) fn differs(&self, row: &CustomerRow) -> bool {
        !self.differing(row).is_empty()
    }

    /// The members that differ from what is stored.
    fn differing(&self, row: &CustomerRow) -> Vec<&'static str> {
        fn differs(field: &Field<impl ToString>, stored: Option<&str>) -> bool {
            match field {
                Field::Absent => false,
                Field::Null => stored.is_some(),
                Field::Value(v) => stored != Some(v.to_string().as_str()),
            }
        }
        let name =
            |new: &Option<PersonName>, stored: &str| new.as_ref().is_some_and(|n| n.as_str() != stored);
        let all = [
            ("email", differs(&self.email, row.email.as_str())),
            ("phone", differs(&self.phone, row.phone.as_str())),
            ("first_name", name(&self.first_name, &row.first_name)),
            ("last_name", name(&self.last_name, &row.last_name)),
        ];
        all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }

    /// Errors that need the stored customer.
    pub(super) fn check(&self, row: &CustomerRow, errors: &mut Vec<FieldError>) {
        let left = |field_is_null: bool, says: bool, stored: bool| says || (stored && !field_is_null);
        let email = left(self.email.is_null(), matches!(self.email, Field::Value(_)), row.email.is_some());
        let phone = left(self.phone.is_null(), matches!(self.phone, Field::Value(_)), row.phone.is_some());
        if !email && !phone {
            errors.push(FieldError::new("email", "required", "Give an e-mail address or a phone number"));
        }
    }

    /// Writes what differs to the user; the customer with it.
    pub(super) async fn save_in(
        self,
        ctx: &Ctx,
        tx: &mut Tx,
        scope: &Scope,
        rights: Rights,
        row: CustomerRow,
    ) -> Result<CustomerRow> {
        let names = self.differing(&row);
        if names.is_empty() {
            return Ok(row);
        }
        require_over_user(ctx, tx, rights, &row, &names).await?;
        let user = users::find_in(tx, scope, UserRef::Id(row.user_id)).await?.ok_or_else(super::not_found)?;
        let change = self.change(ctx, tx, rights, &user, &names).await?;
        let waits = matches!(change.pending_email, Field::Value(_));
        let region = row.country_code.as_deref();
        let user = users::update_in(ctx, tx, &user, change, region).await.map_err(taken)?;
        if waits {
            mail_links::email_change_in(ctx, tx, &user).await?;
        }
        Ok(row.with_user(&user))
    }

    async fn change(
        self,
        ctx: &Ctx,
        tx: &mut Tx,
        rights: Rights,
        user: &User,
        names: &[&str],
    ) -> Result<UserChange> {
        let mut change = UserChange {
            // Said again without a change, a number keeps its marks, and a stricter setting leaves it alone.
            phone: if names.contains(&"phone") { self.phone } else { Field::Absent },
            first_name: self.first_name,
            last_name: self.last_name,
            ..UserChange::default()
        };
        match self.email {
            Field::Null if user.has_password && user.email.is_some() => {
                let message = "this customer logs in with the address; it can be changed, not cleared";
                return Err(Error::invalid_field("email", "required", message));
            }
            Field::Value(email) if Some(email.as_str()) != user.email.as_str() => {
                if rights.staff {
                    let other = users::find_by_email_in(tx, &email).await?;
                    if other.is_some_and(|other| other.id != user.id) {
                        return Err(email_exists());
                    }
                } else {
                    ctx.count_email()?;
                }
                if waits(&email, user, rights) {
                    change.pending_email = Field::Value(email);
                } else {
                    change.email = Field::Value(email);
                    change.pending_email = Field::Null;
                }
            }
            Field::Null => change.email = Field::Null,
            Field::Value(_) | Field::Absent => {}
        }
        Ok(change)
    }
}

/// Must the new address wait until its owner proves it? Staff cannot move somebody's login to another mailbox, and a
/// customer learns nothing about who has the address. Another spelling of the same address waits for nothing.
fn waits(email: &Email, user: &User, rights: Rights) -> bool {
    let same = user.email.key() == Some(email.key());
    !same && (user.has_password || !rights.staff)
}

impl CustomerRow {
    /// The same customer after its user changed.
    pub fn with_user(mut self, user: &User) -> CustomerRow {
        self.set_user(user.clone());
        self
    }

    /// Takes over what stands with the user.
    pub fn set_user(&mut self, user: User) {
        self.user_id = user.id;
        self.username = user.username;
        self.first_name = user.first_name;
        self.last_name = user.last_name;
        self.email = user.email;
        self.email_verified = user.email_verified;
        self.pending_email = user.pending_email;
        self.phone = user.phone;
        self.phone_verified = user.phone_verified;
        self.user_role = user.role;
        self.company = user.company;
        self.company_id = user.company_id;
        self.avatar = user.avatar;
        self.user_last_login = user.last_login;
        self.user_version = user.version;
    }
}
