//! Who may do what, and on which rows. A use case asks `ctx.require(Permission)` and gets a [`Scope`];
//! every store function demands one, so an unscoped query needs a visible [`Scope::system`].

use database::Where;
use uuid::Uuid;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// One thing that a role may do. The codes are stored in role rows and API keys.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            /// Every permission, in the order of their codes' documentation.
            pub const ALL: &[Permission] = &[$(Permission::$name,)*];

            /// The code that role rows and API keys store.
            pub fn code(self) -> &'static str {
                match self { $(Permission::$name => $code,)* }
            }
        }
    };
}

permissions! {
    /// See customers.
    CustomersRead = "customers.read",
    /// Create and change customers.
    CustomersWrite = "customers.write",
    /// Deactivate customers.
    CustomersDelete = "customers.delete",
    /// Erase customers for good.
    CustomersErase = "customers.erase",
    /// Import customers.
    CustomersImport = "customers.import",
    /// Export customers.
    CustomersExport = "customers.export",
    /// See vehicles.
    VehiclesRead = "vehicles.read",
    /// Create and change vehicles.
    VehiclesWrite = "vehicles.write",
    /// Delete vehicles.
    VehiclesDelete = "vehicles.delete",
    /// See service records.
    ServicesRead = "services.read",
    /// Create and change service records.
    ServicesWrite = "services.write",
    /// Delete service records.
    ServicesDelete = "services.delete",
    /// See documents.
    DocumentsRead = "documents.read",
    /// Upload and change documents.
    DocumentsWrite = "documents.write",
    /// Delete documents.
    DocumentsDelete = "documents.delete",
    /// See notes.
    NotesRead = "notes.read",
    /// Write notes.
    NotesWrite = "notes.write",
    /// Delete notes.
    NotesDelete = "notes.delete",
    /// See companies.
    CompaniesRead = "companies.read",
    /// Create and change companies.
    CompaniesWrite = "companies.write",
    /// Deactivate companies.
    CompaniesDelete = "companies.delete",
    /// See document types.
    DocumentTypesRead = "document_types.read",
    /// Create and change document types.
    DocumentTypesWrite = "document_types.write",
    /// Delete document types.
    DocumentTypesDelete = "document_types.delete",
    /// See users.
    UsersRead = "users.read",
    /// Create, change and deactivate users.
    UsersManage = "users.manage",
    /// Change roles.
    RolesManage = "roles.manage",
    /// See statistics.
    StatisticsRead = "statistics.read",
    /// Read the event log.
    EventsRead = "events.read",
    /// Create and revoke API keys.
    ApiKeysManage = "api_keys.manage",
    /// Manage webhooks.
    WebhooksManage = "webhooks.manage",
    /// Change settings.
    SettingsManage = "settings.manage",
}

impl Permission {
    /// The permission with this code.
    pub fn from_code(code: &str) -> Option<Permission> {
        Permission::ALL.iter().copied().find(|p| p.code() == code)
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u64);

impl Permissions {
    /// Reads the codes of a role row: `all` is everything, `read` every `….read`, an unknown code grants nothing.
    pub fn from_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Permissions {
        codes.into_iter().fold(Permissions::default(), |set, code| match code {
            "all" => Permissions(u64::MAX),
            "read" => {
                Permission::ALL.iter().filter(|p| p.code().ends_with(".read")).fold(set, |s, p| s.with(*p))
            }
            code => Permission::from_code(code).map_or(set, |p| set.with(p)),
        })
    }

    /// The set and `p`.
    pub fn with(self, p: Permission) -> Permissions {
        Permissions(self.0 | 1 << p as u8)
    }
    /// Is `p` in the set?
    pub fn has(self, p: Permission) -> bool {
        self.0 & (1 << p as u8) != 0
    }
    /// What both sets have: how an API key's scopes narrow its role.
    pub fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 & other.0)
    }
    /// Is everything of `other` in this set? Nobody can grant more than they have.
    pub fn covers(self, other: Permissions) -> bool {
        other.0 & !self.0 == 0
    }
}

/// How far a role reaches (SPEC 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every row.
    All,
    /// The rows of the caller's company.
    Company,
    /// The caller's own rows.
    Own,
}

database::column!(Reach as String, |reach| reach.as_str().to_owned(), |code| Ok(Reach::from_code(&code)));

impl Reach {
    /// The spelling in role rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Reach::All => "all",
            Reach::Company => "company",
            Reach::Own => "own",
        }
    }
    /// Reads that spelling; anything unknown reaches least.
    pub fn from_code(code: &str) -> Reach {
        match code {
            "all" => Reach::All,
            "company" => Reach::Company,
            _ => Reach::Own,
        }
    }
}

/// The rows that a caller may touch. Only `Ctx::require` and [`Scope::system`] make one.
///
/// In a statement on one row, put `($n OR user.company_id = $m OR user.id = $k)` with [`Scope::all`],
/// [`Scope::company`], [`Scope::user`]: what does not apply is false or NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    all: bool,
    company: Option<Uuid>,
    user: Option<Uuid>,
}

impl Scope {
    pub(crate) fn of(reach: Reach, company: Option<Uuid>, user: Option<Uuid>) -> Scope {
        match reach {
            Reach::All => Scope { all: true, company: None, user: None },
            // Without a company there is nothing to see: both parts stay empty.
            Reach::Company => Scope { all: false, company, user: None },
            Reach::Own => Scope { all: false, company: None, user },
        }
    }

    /// Every row, for work that no caller asked for; `why` is for the reader.
    pub fn system(why: &'static str) -> Scope {
        debug_assert!(!why.is_empty());
        Scope { all: true, company: None, user: None }
    }

    /// Every row?
    pub fn all(&self) -> bool {
        self.all
    }
    /// The company whose rows, if it is one company's.
    pub fn company(&self) -> Option<Uuid> {
        self.company
    }
    /// The user whose rows, if it is one user's.
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }

    /// Restricts a list to these rows: `company` and `user` are the columns that say whose a row is. In a statement on one
    /// row stands `AND ($2 OR u.company_id = $3 OR u.id = $4)`.
    pub fn restrict(&self, conditions: &mut Where<'_>, company: &'static str, user: &'static str) {
        match (self.all, self.company, self.user) {
            (true, _, _) => {}
            (_, Some(id), _) => drop(conditions.and_built(&format!("{company} = ?"), vec![Box::new(id)])),
            (_, _, Some(id)) => drop(conditions.and_built(&format!("{user} = ?"), vec![Box::new(id)])),
            // A company's staff without a company, for example.
            (_, None, None) => drop(conditions.and("false", Vec::new())),
        }
    }
}

/// How the caller proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An access token of this session.
    Session(Uuid),
    /// An API key.
    ApiKey(Uuid),
    /// A job does what a user asked for earlier: nobody outside can be this.
    Behalf,
    /// The command line or a job of our own: nobody outside can be this.
    System,
}

/// Who asked for something, as it is stored: for work that outlives the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A user, in whatever session.
    User(Uuid),
    /// An API key.
    ApiKey(Uuid),
    /// The command line.
    System,
}

impl Actor {
    /// Reads the stored form; `None` for what nobody wrote.
    pub fn stored(kind: &str, id: Option<Uuid>) -> Option<Actor> {
        match (kind, id) {
            ("user", Some(id)) => Some(Actor::User(id)),
            ("api_key", Some(id)) => Some(Actor::ApiKey(id)),
            ("system", None) => Some(Actor::System),
            _ => None,
        }
    }
    /// `user`, `api_key` or `system`, as the event log writes it.
    pub fn kind(self) -> &'static str {
        match self {
            Actor::User(_) => "user",
            Actor::ApiKey(_) => "api_key",
            Actor::System => "system",
        }
    }
    /// The user or the key.
    pub fn id(self) -> Option<Uuid> {
        match self {
            Actor::User(id) | Actor::ApiKey(id) => Some(id),
            Actor::System => None,
        }
    }
}

/// Who is calling, as the database says it (never as the token says it).
#[derive(Debug, Clone)]
pub struct Caller {
    /// How it proved who it is.
    pub credential: Credential,
    /// The user; an API key or the system has none.
    pub user_id: Option<Uuid>,
    /// How it appears as actor and author: e-mail or name of the key.
    pub name: String,
    /// Role code.
    pub role: String,
    /// How far the role reaches.
    pub reach: Reach,
    /// What it may do.
    pub permissions: Permissions,
    /// Its company, if it has one.
    pub company_id: Option<Uuid>,
}

impl Caller {
    /// The command line and jobs.
    pub fn system(name: &str) -> Caller {
        Caller {
            credential: Credential::System,
            user_id: None,
            name: name.to_owned(),
            role: "system".to_owned(),
            reach: Reach::All,
            permissions: Permissions(u64::MAX),
            company_id: None,
        }
    }

    /// Who that is, whatever the session.
    pub fn actor(&self) -> Actor {
        match (&self.credential, self.user_id) {
            (Credential::ApiKey(key), _) => Actor::ApiKey(*key),
            (Credential::Session(_) | Credential::Behalf, Some(user)) => Actor::User(user),
            _ => Actor::System,
        }
    }

    /// May the other do exactly what this one may, as the same user with the same credential?
    pub fn has_rights_of(&self, other: &Caller) -> bool {
        let rights = |c: &Caller| (c.user_id, c.reach, c.permissions, c.company_id);
        self.credential == other.credential && self.role == other.role && rights(self) == rights(other)
    }

    /// Is it a customer, that is, somebody who reaches only what is theirs?
    pub fn is_customer(&self) -> bool {
        self.reach == Reach::Own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_expand_and_narrow() {
        let read = Permissions::from_codes(["read"]);
        assert!(read.has(Permission::CustomersRead) && read.has(Permission::EventsRead));
        assert!(!read.has(Permission::CustomersWrite));
        let all = Permissions::from_codes(["all"]);
        assert!(all.covers(read) && !read.covers(all));
        assert_eq!(all.and(read), read);
        assert_eq!(Permissions::from_codes(["nonsense"]), Permissions::default());
        assert!(Permission::ALL.len() <= 64);
    }

    #[test]
    fn what_is_stored_of_an_actor_is_read_again() {
        let id = Uuid::nil();
        for actor in [Actor::User(id), Actor::ApiKey(id), Actor::System] {
            assert_eq!(Actor::stored(actor.kind(), actor.id()), Some(actor));
        }
        assert_eq!(Actor::stored("user", None), None);
        assert_eq!(Actor::stored("nonsense", Some(id)), None);
        assert_eq!(Caller::system("x").actor(), Actor::System);
        let behalf =
            Caller { credential: Credential::Behalf, user_id: Some(id), ..Caller::system("somebody") };
        assert_eq!(behalf.actor(), Actor::User(id));
    }

    #[test]
    fn company_reach_without_a_company_sees_nothing() {
        let scope = Scope::of(Reach::Company, None, Some(Uuid::nil()));
        assert!(!scope.all() && scope.company().is_none() && scope.user().is_none());
    }
}
