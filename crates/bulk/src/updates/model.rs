//! What many customers get by a change in bulk.

use customers::customer::model::Members;
use customers::customer::model::input::all_optional;
use kernel::web::{Field, Fields, Input};

/// What many customers get: the members of PATCH without those that belong to one customer alone.
pub struct BulkChange(pub Members);

impl Input for BulkChange {
    const NAME: &'static str = "CustomerBulkChange";
    fn read(f: &mut Fields<'_>) -> Option<BulkChange> {
        let ids: [Field<String>; 2] = [f.text("customer_id", 100), f.text("user_id", 100)];
        let members = all_optional(f);
        if f.is_empty() {
            f.error("", "required", "Must have at least one member");
        }
        let [customer, user] = ids;
        let refused = members.as_ref().map(|m| {
            [
                ("customer_id", !customer.is_absent()),
                ("user_id", !user.is_absent()),
                ("email", !m.email.is_absent()),
                ("external_id", !m.external_id.is_absent()),
                ("username", !m.fixed.username.is_absent()),
            ]
        });
        for (name, _) in refused.into_iter().flatten().filter(|(_, said)| *said) {
            f.error(
                name,
                "unique_field",
                "Is different for every customer; change it with PATCH, one by one",
            );
        }
        let members = members?;
        f.build(|| BulkChange(members))
    }
}
