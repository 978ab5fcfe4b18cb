//! The body of a change in bulk: who is changed, and what they get.

use customers::customers::model::Members;
use customers::customers::model::input::all_optional;
use customers::customers::service::rows::SPEC;
use kernel::web::field::nullable;
use kernel::web::{Field, Fields, Input};
use serde_json::{Map, Value, json};

/// Customers that one request names.
const MOST_IDS: usize = 1000;
/// Largest `updates` as JSON; its members have limits of their own.
const UPDATES_BYTES: usize = 256 * 1024;
/// Largest `filter` as JSON.
const FILTER_BYTES: usize = 16 * 1024;

/// What many customers get: the members of PATCH without those that belong to one customer alone.
pub struct BulkChange(pub Members);

impl Input for BulkChange {
    const NAME: &'static str = "CustomerBulkChange";
    fn read(f: &mut Fields<'_>) -> Option<BulkChange> {
        let ids: [Field<String>; 2] = [f.text("customer_id", 100), f.text("user_id", 100)];
        let members = all_optional(f);
        if f.is_empty() {
            f.fault("", "required", "Must have at least one member");
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
            f.fault(
                name,
                "unique_field",
                "Is different for every customer; change it with PATCH, one by one",
            );
        }
        let members = members?;
        f.build(|| BulkChange(members))
    }
}

/// By ids or by filter.
pub struct BulkUpdate {
    /// Whom it names.
    pub customer_ids: Option<Vec<String>>,
    /// Whom it finds, if nobody is named.
    pub filter: Map<String, Value>,
    /// Only counts.
    pub dry_run: bool,
    /// What they get.
    pub updates: Members,
    /// As they were sent, for the job.
    pub updates_sent: Map<String, Value>,
}

impl Input for BulkUpdate {
    const NAME: &'static str = "CustomerBulkUpdate";
    fn read(f: &mut Fields<'_>) -> Option<BulkUpdate> {
        f.example(|| {
            json!({"filter": {"tag": "vip", "country": "US"}, "updates": {"is_verified": true}, "dry_run": true})
        });
        let customer_ids = f.texts("customer_ids", MOST_IDS, 64);
        f.note("UUIDs or `CUST_…`, 1 to 1000: updated in one transaction. Either these or `filter`.");
        let filter = f.object("filter", FILTER_BYTES);
        f.refine(|member| *member = nullable(SPEC.filters_schema().into()));
        f.note("The filters of the list of customers, such as `{\"tag\": \"vip\", \"country\": \"US\"}`: updated by a job.");
        let all = f.change::<bool>("all").unwrap_or(false);
        f.note("Must be true to mean everybody, that is, an empty `filter` or none.");
        let dry_run = f.change::<bool>("dry_run").unwrap_or(false);
        f.note("Only counts whom the filter finds.");
        let updates_sent = f.object("updates", UPDATES_BYTES).value().unwrap_or_default();
        let updates = f.need_nested::<BulkChange>("updates");
        let by_filter = !filter.is_absent() || all;
        let ids = customer_ids.value();
        let filter = filter.value().unwrap_or_default();
        if let Some((name, code, message)) = contradiction(ids.as_deref(), by_filter, &filter, all, dry_run) {
            f.fault(name, code, message);
        }
        f.build(|| BulkUpdate { customer_ids: ids, filter, dry_run, updates: updates.get().0, updates_sent })
    }
}

/// What does not go together: the member, a code, and a sentence.
fn contradiction(
    ids: Option<&[String]>,
    by_filter: bool,
    filter: &Map<String, Value>,
    all: bool,
    dry_run: bool,
) -> Option<(&'static str, &'static str, &'static str)> {
    match ids {
        Some(_) if by_filter => {
            Some(("filter", "conflicting_values", "Give customer_ids or filter, not both"))
        }
        Some(_) if dry_run => Some(("dry_run", "conflicting_values", "Goes with filter only")),
        Some([]) => Some(("customer_ids", "required", "Must name at least one customer")),
        Some(_) => None,
        None if !by_filter => Some(("customer_ids", "required", "Give customer_ids or filter")),
        None if filter.is_empty() && !all => {
            Some(("filter", "required", "Is empty; say \"all\": true if you mean everybody"))
        }
        None if !filter.is_empty() && all => {
            Some(("all", "conflicting_values", "Goes with an empty filter only"))
        }
        None => None,
    }
}
