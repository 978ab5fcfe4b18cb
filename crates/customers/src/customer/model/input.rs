//! The bodies of the routes: which members, under which spellings, with which limits.

use identity::users::model::PersonName;
use kernel::ValueError;
use kernel::clock::Timestamp;
use kernel::text::Line;
use kernel::web::field::{FieldValue, map_of, plain};
use kernel::web::{Field, Fields, Input};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Object, RefOr, Schema};

use super::{
    AddressSaid, BusinessSaid, EmergencyContactSaid, Members, NewCustomer, PREFERENCES_BYTES,
    ReadOnlyMembers, Tags, UserKey,
};

/// Largest `metadata` as JSON; its keys and values have limits of their own.
const METADATA_BYTES: usize = 128 * 1024;

/// Members of our replies that nobody writes.
const READ_ONLY: &[&str] = &[
    "id",
    "customer_id",
    "user_id",
    "full_name",
    "pending_email",
    "country_code",
    "phone_e164",
    "phone_status",
    "avatar",
    "full_address",
    "formatted_address",
    "is_business_customer",
    "deactivated_at",
    "deactivation_reason",
    "verified_at",
    "verified_by",
    "last_login_at",
    "tag_list",
    "created_at",
    "updated_at",
    "version",
];

/// Tags as one text with commas or as a list.
pub struct AnyTags(pub Tags);

impl FieldValue for AnyTags {
    fn from_json(value: &Value) -> Result<AnyTags, ValueError> {
        let wrong = || ValueError::new("wrong_type", "Must be a text or a list of texts");
        match value {
            Value::String(_) | Value::Null => Tags::from_json(value).map(AnyTags),
            Value::Array(items) => {
                let texts = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
                Tags::from_list(&texts.ok_or_else(wrong)?).map(AnyTags)
            }
            _ => Err(wrong()),
        }
    }
    fn schema() -> Object {
        plain(Type::String, None)
    }
    fn any_schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(plain(Type::String, None));
        OneOfBuilder::new().item(plain(Type::String, None)).item(list).into()
    }
}

/// Reads everything but the names, which a creation needs and a change may leave out.
fn members(f: &mut Fields<'_>) -> Members {
    f.read_only(READ_ONLY);
    let email = f.get("email");
    let phone = f.get(["phone", "phone_number"]);
    let address = AddressSaid::read(f);
    Members {
        email,
        phone,
        first_name: None,
        last_name: None,
        address,
        date_of_birth: f.get("date_of_birth"),
        gender: f.get("gender"),
        business: BusinessSaid::read(f),
        emergency_contact: EmergencyContactSaid::read(f),
        preferred_contact_method: f.get("preferred_contact_method"),
        notification_preferences: f.object("notification_preferences", PREFERENCES_BYTES),
        marketing_emails: f.change("marketing_emails"),
        marketing_sms: f.change("marketing_sms"),
        customer_since: f.get("customer_since"),
        notes: f.get("notes"),
        tags: tags(f),
        external_id: f.get("external_id"),
        metadata: metadata(f),
        is_active: f.change(["is_active", "active"]),
        is_verified: f.change("is_verified"),
        fixed: fixed(f),
    }
}

fn metadata(f: &mut Fields<'_>) -> Field<Map<String, Value>> {
    let metadata = f.object("metadata", METADATA_BYTES);
    // A change clears a key with null.
    let mut text = plain(Type::String, None);
    text.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    let mut schema = map_of(text);
    schema.schema_type = SchemaType::from_iter([Type::Object, Type::Null]);
    f.refine(|member| *member = schema.into());
    f.note("Up to 50 texts by name, of other programs; in a change, null takes one away.");
    metadata
}

fn tags(f: &mut Fields<'_>) -> Field<Tags> {
    let tags = f.get::<AnyTags>("tags").map(|t| t.0);
    f.note("Separated by commas, or a list.");
    tags
}

fn fixed(f: &mut Fields<'_>) -> ReadOnlyMembers {
    ReadOnlyMembers {
        username: f.text("username", 50),
        user_role: f.text(["user_role", "role"], 50),
        company_id: f.text("company_id", 50),
        email_verified: f.change("email_verified"),
        phone_verified: f.change("phone_verified"),
        total_services: f.change("total_services"),
        last_service_date: f.get("last_service_date"),
    }
}

impl Input for NewCustomer {
    const NAME: &'static str = "NewCustomer";
    fn read(f: &mut Fields<'_>) -> Option<NewCustomer> {
        let first_name = f.need::<PersonName>("first_name");
        let last_name = f.need::<PersonName>("last_name");
        let members = members(f);
        if !matches!(members.email, Field::Value(_)) && !matches!(members.phone, Field::Value(_)) {
            f.error("email", "required", "Give an e-mail address or a phone number");
        }
        f.example(|| {
            json!({
                "first_name": "Grace", "last_name": "Hopper", "email": "grace.hopper@example.com",
                "phone": "+1 415 555 2671", "address_line1": "1 Main Street", "city": "New York", "country": "USA",
                "date_of_birth": "1986-12-09", "preferred_contact_method": "email", "tags": ["premium", "navy"],
                "metadata": {"crm": "A-17"}
            })
        });
        f.build(|| NewCustomer {
            number: None,
            first_name: first_name.get(),
            last_name: last_name.get(),
            members,
        })
    }
}

/// The body of PUT and PATCH.
pub struct CustomerChange(pub Members);

impl Input for CustomerChange {
    const NAME: &'static str = "CustomerChange";
    const EMPTY_CHANGES_NOTHING: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<CustomerChange> {
        f.example(|| json!({"city": "Boston", "postal_code": "02110", "marketing_emails": true}));
        all_optional(f).map(CustomerChange)
    }
}

/// The body of `profile/create`; `{}` and no body at all are enough.
pub struct NewProfile(pub Members);

impl Input for NewProfile {
    const NAME: &'static str = "NewProfile";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<NewProfile> {
        f.example(|| json!({"city": "Lisbon", "country": "Portugal", "preferred_contact_method": "email"}));
        all_optional(f).map(NewProfile)
    }
}

/// Every member, none of which is needed.
pub fn all_optional(f: &mut Fields<'_>) -> Option<Members> {
    let first_name = f.change("first_name");
    let last_name = f.change("last_name");
    let members = members(f);
    f.build(|| Members { first_name, last_name, ..members })
}

/// Why a customer is deactivated.
pub struct Deactivation(pub Option<String>);

impl Input for Deactivation {
    const NAME: &'static str = "Deactivation";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<Deactivation> {
        let reason = f.get::<Line<500>>("reason");
        f.example(|| json!({"reason": "Moved abroad"}));
        f.build(|| Deactivation(reason.value().map(|r| r.to_string())))
    }
}

/// `{"is_verified": false}` takes a verification back.
pub struct Verification(pub bool);

impl Input for Verification {
    const NAME: &'static str = "Verification";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<Verification> {
        let verified = f.change::<bool>("is_verified");
        f.example(|| json!({"is_verified": true}));
        f.build(|| Verification(verified.unwrap_or(true)))
    }
}

/// When the service was; now if it is not said.
pub struct ServiceDone(pub Option<Timestamp>);

impl Input for ServiceDone {
    const NAME: &'static str = "ServiceDone";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<ServiceDone> {
        let at = f.get::<Timestamp>("service_date");
        f.example(|| json!({"service_date": "2026-03-01T12:30:00Z"}));
        f.build(|| ServiceDone(at.value()))
    }
}

impl FieldValue for UserKey {
    fn from_json(value: &Value) -> Result<UserKey, ValueError> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let wrong = || {
            ValueError::new(
                "invalid_uuid",
                "Must be a UUID, or the number that the user had before a migration",
            )
        };
        UserKey::parse(&text).ok_or_else(wrong)
    }
    fn schema() -> Object {
        uuid::Uuid::schema()
    }
    fn any_schema() -> RefOr<Schema> {
        OneOfBuilder::new().item(Self::schema()).item(i64::schema()).into()
    }
}

/// Whose profile is asked for.
pub struct ProfileQuestion(pub UserKey);

impl Input for ProfileQuestion {
    const NAME: &'static str = "ProfileQuestion";
    fn read(f: &mut Fields<'_>) -> Option<ProfileQuestion> {
        let user = f.need::<UserKey>("user_id");
        f.note("The user's UUID, or the number it had before a migration.");
        f.example(|| json!({"user_id": "019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50"}));
        f.build(|| ProfileQuestion(user.get()))
    }
}
