//! Whether a key still holds. A key made on the command line stands for itself; any other dies with whoever made it, also
//! when that one may do less now: nobody can give more than they have.

use platform::access::{Permissions, Reach};
use uuid::Uuid;

/// Whether a key still works, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Who made it has left, has ended, or may do less than it now.
    Orphaned,
}

impl KeyState {
    /// How replies and commands name it.
    pub fn code(self) -> &'static str {
        match self {
            KeyState::Active => "active",
            KeyState::Expired => "expired",
            KeyState::Revoked => "revoked",
            KeyState::Orphaned => "orphaned",
        }
    }
}

/// Somebody or something with rights: who made a key, or the key itself.
#[derive(Debug, Clone, Copy)]
pub struct Grantor {
    /// Is it there to be asked?
    pub is_active: bool,
    /// How far its role reaches.
    pub reach: Reach,
    /// What it may do.
    pub permissions: Permissions,
    /// Its company.
    pub company: Option<Uuid>,
}

impl Grantor {
    /// Could it make this key now?
    pub fn stands_behind(&self, key: &Grantor) -> bool {
        let reaches = match self.reach {
            Reach::All => true,
            // No company on either side is no company in common.
            Reach::Company => key.reach != Reach::All && key.company.is_some() && key.company == self.company,
            // Keys are for staff to make.
            Reach::Own => false,
        };
        let granted = match key.reach {
            // What `own` adds is no grant.
            Reach::Own => Permissions::default(),
            _ => key.permissions,
        };
        self.is_active && reaches && self.permissions.covers(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(reach: Reach, codes: &[&str], company: u128) -> Grantor {
        let company = (company > 0).then(|| Uuid::from_u128(company));
        Grantor {
            is_active: true,
            reach,
            permissions: Permissions::from_codes(codes.iter().copied()),
            company,
        }
    }

    #[test]
    fn who_may_do_less_stands_behind_nothing_more() {
        let admin = holder(Reach::All, &["all"], 0);
        let manager = holder(Reach::Company, &["customers.read", "api_keys.manage"], 1);
        let reader = holder(Reach::Company, &["customers.read"], 1);
        let foreign = holder(Reach::Company, &["customers.read"], 2);
        let wide = holder(Reach::All, &["customers.read"], 1);
        assert!([admin, manager, reader, foreign, wide].iter().all(|key| admin.stands_behind(key)));
        assert!(manager.stands_behind(&reader) && manager.stands_behind(&manager));
        assert!(!manager.stands_behind(&foreign) && !manager.stands_behind(&wide));
        assert!(!reader.stands_behind(&manager), "more than it may");
        let nowhere = holder(Reach::Company, &["customers.read"], 0);
        assert!(!nowhere.stands_behind(&nowhere), "no company is no company in common");
        assert!(!holder(Reach::Own, &["all"], 1).stands_behind(&reader));
        assert!(!Grantor { is_active: false, ..admin }.stands_behind(&reader));
    }
}
