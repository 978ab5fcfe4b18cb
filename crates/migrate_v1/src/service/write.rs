//! One user, one customer.

use customers::customer::model::country_code;
use customers::customer::service::create::insert_in;
use customers::customer::service::members::Rights;
use customers::customer::service::profile::number_in;
use customers::customer::service::status::migrate_services_in;
use identity::sessions::unproven;
use identity::users::legacy;
use identity::users::service::{self as users, NewUser, User};
use kernel::Result;
use platform::Tx;

use super::members::{members, reachable};
use super::person::{Checked, checked, compare, of_user};
use super::{FoundBy, Migration, Owner, email_of};
use crate::model::record::{OldCustomer, OldUser, OldUserId, Person};
use crate::model::report::{Outcome, Row};

const UNREACHABLE: &str = "there is neither an e-mail address nor a phone, and a customer needs one of them";

impl Migration<'_> {
    pub(super) async fn user_in(&mut self, tx: &mut Tx, old: &OldUser, mut row: Row) -> Result<Row> {
        let email = email_of(&old.person);
        let owner = self.owner_in(tx, Some(old.id), email.as_ref()).await?;
        if let Some(role) = &old.role
            && role != "customer"
        {
            row.needs_review.push(format!("role_{role}"));
        }
        match owner {
            Owner::Erased => Ok(Row { outcome: Outcome::Erased, ..row }),
            Owner::User(user, found) => {
                compare(&old.person, &of_user(&user), &mut row);
                let user = self.adopted(tx, *user, found, Some(old.id)).await?;
                Ok(Row { outcome: Outcome::Unchanged, id: Some(user.id), ..row })
            }
            Owner::Taken => {
                self.new_user(tx, Some(old.id), &old.person, true, None, row).await.map(|(_, row)| row)
            }
            Owner::Nobody => {
                self.new_user(tx, Some(old.id), &old.person, false, None, row).await.map(|(_, row)| row)
            }
        }
    }

    pub(super) async fn customer_in(&mut self, tx: &mut Tx, old: &OldCustomer, mut row: Row) -> Result<Row> {
        let email = email_of(&old.person);
        if old.user.is_none() && email.is_none() {
            return Ok(
                row.failed("there is neither a user_id nor an e-mail address, so nobody could find it again")
            );
        }
        let owner = self.owner_in(tx, old.user, email.as_ref()).await?;
        let imagined = old.user.and_then(|user| self.imagined.get(&user)).cloned();
        let user = match (owner, imagined) {
            (Owner::Erased, _) => return Ok(Row { outcome: Outcome::Erased, ..row }),
            (Owner::User(user, found), _) => {
                compare(&old.person, &of_user(&user), &mut row);
                row.id = Some(user.id);
                if let Some(number) = number_in(tx, user.id).await? {
                    return self
                        .has_profile(tx, *user, found, old, Row { customer_id: Some(number), ..row })
                        .await;
                }
                if !reachable(user.email.as_str(), user.phone.as_str()) {
                    return Ok(row.failed(UNREACHABLE));
                }
                Some(self.adopted(tx, *user, found, old.user).await?)
            }
            // In a dry run: the file of users has it.
            (_, Some(person)) => {
                compare(&old.person, &person, &mut row);
                None
            }
            (owner, None) => {
                row.orphan = true;
                let taken = matches!(owner, Owner::Taken);
                let region = old.members.get("country").and_then(|c| c.as_str()).and_then(country_code);
                let (user, done) = self.new_user(tx, old.user, &old.person, taken, region, row).await?;
                row = done;
                if row.outcome == Outcome::Failed {
                    return Ok(row);
                }
                user
            }
        };
        self.profile(tx, user, old, row).await
    }

    /// The customer was there already.
    async fn has_profile(
        &self,
        tx: &mut Tx,
        user: User,
        found: FoundBy,
        old: &OldCustomer,
        mut row: Row,
    ) -> Result<Row> {
        row.outcome = Outcome::Unchanged;
        if found == FoundBy::Email {
            // Somebody with the same address was faster. The old number leads to them only if the address is theirs.
            row.needs_review.push("profile_exists".to_owned());
            if user.email_proven_at.is_some() {
                self.adopt(tx, user, old.user).await?;
            }
        }
        Ok(row)
    }

    async fn profile(&self, tx: &mut Tx, user: Option<User>, old: &OldCustomer, mut row: Row) -> Result<Row> {
        let ctx = self.ctx;
        let members = members(ctx, old, self.options.default_country.as_deref(), &mut row)?;
        row.outcome = Outcome::Created;
        let Some(user) = user.filter(|_| !self.options.dry_run) else { return Ok(row) };
        let customer = Box::pin(insert_in(ctx, tx, &self.scope, Rights::of(ctx)?, &user, members)).await?;
        if old.total_services > 0 || old.last_service_date.is_some() {
            migrate_services_in(ctx, tx, &customer, old.total_services, old.last_service_date).await?;
        }
        Ok(Row { id: Some(user.id), customer_id: Some(customer.customer_id), ..row })
    }

    /// A user without credentials. With `taken`, its address is somebody else's, and it does without.
    async fn new_user(
        &mut self,
        tx: &mut Tx,
        old: Option<OldUserId>,
        person: &Person,
        taken: bool,
        region: Option<&str>,
        mut row: Row,
    ) -> Result<(Option<User>, Row)> {
        let mut new = checked(person, &mut row)?;
        if taken {
            row.needs_review.push("email_taken".to_owned());
            new.email = None;
        }
        if new.email.is_none() && new.phone.is_none() {
            let why = if taken {
                "somebody else has its e-mail address, and there is no phone"
            } else {
                UNREACHABLE
            };
            return Ok((None, row.failed(why)));
        }
        row.user_created = true;
        row.outcome = Outcome::Created;
        if self.options.dry_run {
            self.imagine(old, person, &new);
            return Ok((None, row));
        }
        let company = users::default_company_in(self.ctx, tx).await?;
        let new = NewUser {
            id: old.map(|user| self.id_of(user)),
            legacy_user_id: match old {
                Some(OldUserId::Number(n)) => Some(n),
                _ => None,
            },
            email: new.email,
            phone: new.phone,
            company,
            region: region.or(self.options.default_country.as_deref()).map(str::to_owned),
            ..NewUser::named(new.first_name, new.last_name)
        };
        let user = users::create_in(self.ctx, tx, new).await.map_err(users::taken)?;
        row.id = Some(user.id);
        Ok((Some(user), row))
    }

    /// Remembers what a dry run does not write.
    fn imagine(&mut self, old: Option<OldUserId>, person: &Person, new: &Checked) {
        if let Some(email) = &new.email {
            self.addresses.insert(email.key().to_owned());
        }
        if let Some(user) = old {
            let email = new.email.as_ref().map(|email| email.as_str().to_owned());
            self.imagined.insert(user, Person { email, ..person.clone() });
        }
    }

    /// The user with the old number. Whoever set up an account on this address without proving it loses what they set
    /// up: the address may not be theirs.
    async fn adopted(&self, tx: &mut Tx, user: User, found: FoundBy, old: Option<OldUserId>) -> Result<User> {
        if self.options.dry_run {
            return Ok(user);
        }
        if found == FoundBy::Email && user.email_proven_at.is_none() && user.has_password {
            unproven::revoke_in(self.ctx, tx, &user, "migrated").await?;
        }
        self.adopt(tx, user, old).await
    }

    async fn adopt(&self, tx: &mut Tx, user: User, old: Option<OldUserId>) -> Result<User> {
        match old {
            Some(OldUserId::Number(n)) if user.legacy_user_id.is_none() && !self.options.dry_run => {
                legacy::adopt_in(self.ctx, tx, user, n).await
            }
            _ => Ok(user),
        }
    }
}
