//! Members of one text each, in the groups in which they belong together. Each is written here and nowhere else: from this
//! list come its column and what is derived from it, the member of bodies, replies and events, the column of exports, and
//! the one of imports. `CONTRIBUTING.md` says how to add one.

use database::row;
use identity::users::model::Phone;
use kernel::text::{Line, search_key};
use kernel::web::{Field, Fields};

use super::{
    BusinessType, CompanyName, ContactName, CustomerRow, Relationship, TaxId, is_business_customer,
    postal_key,
};

/// A member of a customer that is one text.
pub struct TextMember {
    /// Its name everywhere.
    pub name: &'static str,
    /// Its value.
    pub of: fn(&CustomerRow) -> &Option<String>,
}

/// A group of such members: `name: Kind` with the type that checks what a body says, further spellings in brackets, and
/// behind `=>` the columns that are derived from it (see [`database::row!`]).
macro_rules! texts {
    ($(#[$meta:meta])* $stored:ident in $group:ident, in bodies $said:ident {
        $($(#[$fmeta:meta])* $field:ident : $kind:ty $([$($spelling:literal),+])? $(=> $key:ident ($of:path))*),* $(,)?
    }) => {
        row! {
            $(#[$meta])*
            #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
            pub struct $stored in "c" {
                $($(#[$fmeta])* pub $field: Option<String> $(=> $key($of))*,)*
            } writes
        }

        impl $stored {
            /// The members in order.
            pub const MEMBERS: &[TextMember] =
                &[$(TextMember { name: stringify!($field), of: |row| &row.$group.$field }),*];

            #[cfg(test)]
            pub(super) fn put(&mut self, name: &str, text: &str) {
                $(if name == stringify!($field) {
                    self.$field = Some(text.to_owned());
                })*
            }

            /// Takes over what a body says.
            pub fn set(&mut self, said: $said) {
                $(said.$field.map(|text| text.to_string()).apply(&mut self.$field);)*
            }
        }

        #[doc = concat!("What a body says of [`", stringify!($stored), "`].")]
        #[derive(Debug, Clone, Default)]
        #[expect(missing_docs, reason = "the members of the API, documented there")]
        pub struct $said {
            $(pub $field: Field<$kind>,)*
        }

        impl $said {
            /// Reads the members of a body.
            pub fn read(f: &mut Fields<'_>) -> $said {
                $said { $($field: f.get([stringify!($field) $(, $($spelling),+)?]),)* }
            }
        }
    };
}

texts! {
    /// Where a customer is reached by post.
    Address in address, in bodies AddressSaid {
        /// Street and number; `street_address` is accepted as another spelling.
        address_line1: Line<255> ["street_address"],
        /// Flat, floor, building.
        address_line2: Line<255>,
        /// City.
        city: Line<100> => city_key(folded),
        /// State, province or department.
        state: Line<100> => state_key(folded),
        /// Postal code.
        postal_code: Line<20> => postal_key(bare),
        /// As it was typed.
        country: Line<100>,
    }
}

texts! {
    /// The customer's own business.
    Business in business, in bodies BusinessSaid {
        /// The customer's own business.
        company_name: CompanyName,
        /// What it does.
        business_type: BusinessType,
        /// Its tax number.
        tax_id: TaxId,
    }
}

texts! {
    /// Whom to call when something happens to the customer.
    EmergencyContact in emergency_contact, in bodies EmergencyContactSaid {
        /// Emergency contact.
        emergency_contact_name: ContactName,
        /// Emergency contact.
        emergency_contact_phone: Phone,
        /// Emergency contact.
        emergency_contact_relationship: Relationship,
    }
}

impl CustomerRow {
    /// Every member that is one text of a group, in the order of the groups.
    pub fn text_members() -> impl Iterator<Item = &'static TextMember> {
        [Address::MEMBERS, Business::MEMBERS, EmergencyContact::MEMBERS].into_iter().flatten()
    }
}

/// For filters and figures.
fn folded(text: &Option<String>) -> Option<String> {
    text.as_deref().map(search_key)
}

/// Without what people write differently, for filters.
fn bare(text: &Option<String>) -> Option<String> {
    text.as_deref().map(postal_key)
}

impl Address {
    /// The folded city, for figures.
    pub fn city_key(&self) -> Option<String> {
        folded(&self.city)
    }

    /// The folded state, for figures.
    pub fn state_key(&self) -> Option<String> {
        folded(&self.state)
    }
}

impl Business {
    /// Is the customer a business? Yes when name or tax number is not blank.
    pub fn is_there(&self) -> bool {
        is_business_customer(self.company_name.as_deref(), self.tax_id.as_deref())
    }
}
