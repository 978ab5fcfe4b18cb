//! New users, one or many at once. Several do not cost several times what one costs: each statement runs for all of them.

use kernel::{Error, Result};
use platform::Tx;
use platform::ctx::Ctx;
use uuid::Uuid;

use super::model::{
    DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UserAddress, UserPhone, Username,
    UsernameCandidates, username_base,
};
use super::service::{e164, user_event};
use super::store::{self, User};

/// What a new user is made of. Nothing here is a credential.
#[derive(Debug)]
pub struct NewUser {
    /// Drawn when absent.
    pub id: Option<Uuid>,
    /// The number that it had in the first version of the services.
    pub legacy_user_id: Option<i64>,
    /// Generated from the names when absent.
    pub username: Option<Username>,
    /// Unique in its normalised form.
    pub email: Option<Email>,
    /// Any phone.
    pub phone: Option<Phone>,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Role code.
    pub role: String,
    /// Its company.
    pub company: Option<Uuid>,
    /// Where national phone numbers are read; the address' country.
    pub region: Option<String>,
    /// Postal address in one text.
    pub address: Option<UserAddress>,
    /// Identity document.
    pub document_type: Option<DocumentTypeCode>,
    /// Its number.
    pub number_document_identity: Option<IdentityNumber>,
    /// Language.
    pub locale: Option<Locale>,
}

impl NewUser {
    /// A user with names and nothing else, of role `customer`.
    pub fn named(first_name: PersonName, last_name: PersonName) -> NewUser {
        NewUser {
            id: None,
            legacy_user_id: None,
            username: None,
            email: None,
            phone: None,
            first_name,
            last_name,
            role: "customer".to_owned(),
            company: None,
            region: None,
            address: None,
            document_type: None,
            number_document_identity: None,
            locale: None,
        }
    }
}

/// A user that is checked and not stored yet: without a name and a number.
#[derive(Debug)]
pub struct Draft {
    /// As it will be stored.
    pub user: User,
    email: Option<Email>,
    username: Option<Username>,
}

/// Creates a user and records it. 409 if the name or the address is taken (see [`super::service::taken`]).
pub async fn create_in(ctx: &Ctx, tx: &mut Tx, new: NewUser) -> Result<User> {
    let created = create_many_in(ctx, tx, vec![draft(ctx, new)?]).await?.pop();
    let user = created.ok_or_else(|| Error::internal("a new user is gone"))?;
    ctx.record(tx, user_event("user.created", &user).created(user.snapshot())).await?;
    Ok(user)
}

/// What a new user will be. 422 for a phone that a strict deployment refuses.
pub fn draft(ctx: &Ctx, new: NewUser) -> Result<Draft> {
    let now = ctx.now();
    let phone = match &new.phone {
        Some(phone) => UserPhone::new(phone, e164(ctx, phone, new.region.as_deref())?),
        None => UserPhone::default(),
    };
    let user = User {
        id: new.id.unwrap_or_else(|| ctx.new_id()),
        // A number that is drawn is used up, also by what is undone.
        unique_no: if ctx.is_rehearsal() { -1 - ctx.random().below(1 << 62).cast_signed() } else { 0 },
        username: String::new(),
        email: new.email.as_ref().into(),
        email_verified: false,
        email_proven_at: None,
        pending_email: None,
        first_name: new.first_name.as_str().to_owned(),
        last_name: new.last_name.as_str().to_owned(),
        phone,
        phone_verified: false,
        role: new.role,
        company: new.company,
        company_id: None,
        address: new.address.map(|a| a.as_str().to_owned()),
        document_type: new.document_type.map(|d| d.as_str().to_owned()),
        number_document_identity: new.number_document_identity.map(|n| n.as_str().to_owned()),
        locale: new.locale.map(|l| l.as_str().to_owned()),
        is_active: true,
        last_login: None,
        legacy_user_id: new.legacy_user_id,
        avatar: None,
        created_at: now,
        updated_at: now,
        version: 1,
        has_password: false,
    };
    Ok(Draft { email: new.email, username: new.username, user })
}

/// Creates users, with generated names where none is given: the unique index decides which are free, and who finds
/// theirs taken draws again. Nothing is recorded: the event of what they were created for tells of them. An address that
/// somebody has fails all of them; look for it before.
pub async fn create_many_in(ctx: &Ctx, tx: &mut Tx, mut drafts: Vec<Draft>) -> Result<Vec<User>> {
    let mut names: Vec<Names> = drafts.iter().map(|draft| Names::of(ctx, draft)).collect();
    let mut waiting: Vec<usize> = (0..drafts.len()).collect();
    while !waiting.is_empty() {
        for i in &waiting {
            let name = names[*i].next().ok_or_else(|| names[*i].exhausted())?;
            drafts[*i].user.username = name.to_string();
        }
        let round = drafts.iter_mut().enumerate().filter(|(i, _)| waiting.binary_search(i).is_ok());
        let inserted = store::insert(tx, round.map(|(_, draft)| &mut draft.user).collect()).await?;
        waiting =
            waiting.into_iter().zip(inserted).filter(|(_, inserted)| !inserted).map(|(i, _)| i).collect();
    }
    Ok(drafts.into_iter().map(|draft| draft.user).collect())
}

impl Draft {
    /// The name that it will have if nobody has it.
    pub fn first_candidate(&self, ctx: &Ctx) -> String {
        Names::of(ctx, self).next().map(|name| name.to_string()).unwrap_or_default()
    }
}

/// The names that one draft can have.
enum Names {
    Given(Option<Username>),
    Generated(UsernameCandidates),
}

impl Names {
    fn of(ctx: &Ctx, draft: &Draft) -> Names {
        match &draft.username {
            Some(name) => Names::Given(Some(name.clone())),
            None => {
                let user = &draft.user;
                let base = username_base(&user.first_name, &user.last_name, draft.email.as_ref());
                Names::Generated(UsernameCandidates::new(&base, ctx.random()))
            }
        }
    }

    fn next(&mut self) -> Option<Username> {
        match self {
            Names::Given(name) => name.take(),
            Names::Generated(candidates) => candidates.next(),
        }
    }

    fn exhausted(&self) -> Error {
        match self {
            Names::Given(_) => Error::conflict("USERNAME_EXISTS", "User with this username already exists"),
            Names::Generated(_) => Error::internal("no free user name among all candidates"),
        }
    }
}
