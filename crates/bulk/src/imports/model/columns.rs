//! Columns of a table and the members that they are: by their names in many spellings, or as somebody says.

use std::collections::HashMap;
use std::sync::LazyLock;

use customers::customer::model::{CustomerRow, TextMember};
use kernel::FieldError;
use kernel::text::search_key;
use serde::{Deserialize, Serialize};

pub use crate::batches::model::Column;

/// Most columns of a file.
pub const MOST_COLUMNS: usize = 500;

/// How the text of a cell becomes the value of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// A telephone number, which spreadsheets like to take for a number.
    Phone,
    /// Yes or no, in some languages.
    Bool,
    /// Gender, in some languages.
    Gender,
    /// A day.
    Date,
    /// A JSON object.
    Object,
    /// First and last name in one.
    FullName,
    /// What finds the customer and is not written.
    Key,
    /// A member that nobody writes: known, and left alone.
    ReadOnly,
}

/// A member, how its cells are read, and the names that columns with it have; the first is ours.
#[derive(Clone, Copy)]
struct Member(&'static str, Kind, &'static [&'static str]);

/// Every member: those that other programs know by names of their own, and the other texts of a customer by theirs.
static MEMBERS: LazyLock<Vec<Member>> = LazyLock::new(|| {
    let others = CustomerRow::text_members().filter(|text| NAMED.iter().all(|named| named.0 != text.name));
    // Once for the process.
    let own = |text: &TextMember| Member(text.name, Kind::Text, vec![&*name_key(text.name).leak()].leak());
    NAMED.iter().copied().chain(others.map(own)).collect()
});

/// Members with the names that their columns have, folded as [`name_key`] does.
const NAMED: &[Member] = &[
    Member("customer_id", Kind::Key, &["customerid", "customernumber", "idcliente", "clienteid"]),
    Member(
        "external_id",
        Kind::Text,
        &["externalid", "idexterno", "extid", "externalreference", "referenciaexterna"],
    ),
    Member(
        "email",
        Kind::Text,
        &["email", "mail", "emailaddress", "mailaddress", "correo", "correoelectronico", "email1value"],
    ),
    Member(
        "phone",
        Kind::Phone,
        &[
            "phone",
            "phonenumber",
            "telephone",
            "telephonenumber",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "tel",
            "telefono",
            "movil",
            "celular",
            "phone1value",
        ],
    ),
    Member(
        "first_name",
        Kind::Text,
        &["firstname", "givenname", "forename", "nombre", "nombres", "primernombre", "first"],
    ),
    Member("last_name", Kind::Text, &["lastname", "surname", "familyname", "apellido", "apellidos", "last"]),
    Member(
        "full_name",
        Kind::FullName,
        &[
            "fullname",
            "name",
            "customername",
            "contactname",
            "displayname",
            "nombrecompleto",
            "nombreyapellido",
            "cliente",
        ],
    ),
    Member(
        "address_line1",
        Kind::Text,
        &[
            "addressline1",
            "streetaddress",
            "street",
            "address1",
            "address",
            "direccion",
            "direccion1",
            "domicilio",
            "calle",
        ],
    ),
    Member(
        "address_line2",
        Kind::Text,
        &["addressline2", "address2", "apartment", "suite", "direccion2", "complemento"],
    ),
    Member("city", Kind::Text, &["city", "town", "ciudad", "municipio", "localidad"]),
    Member(
        "state",
        Kind::Text,
        &["state", "province", "region", "county", "departamento", "provincia", "estado"],
    ),
    Member("postal_code", Kind::Text, &["postalcode", "zipcode", "postcode", "zip", "codigopostal", "cp"]),
    Member("country", Kind::Text, &["country", "countryname", "pais", "nation"]),
    Member(
        "date_of_birth",
        Kind::Date,
        &[
            "dateofbirth",
            "dob",
            "birthdate",
            "birthday",
            "fechadenacimiento",
            "fechanacimiento",
            "nacimiento",
        ],
    ),
    Member("gender", Kind::Gender, &["gender", "sex", "genero", "sexo"]),
    Member(
        "company_name",
        Kind::Text,
        &[
            "companyname",
            "company",
            "organization",
            "organisation",
            "businessname",
            "empresa",
            "compania",
            "razonsocial",
        ],
    ),
    Member("business_type", Kind::Text, &["businesstype", "industry", "tipodenegocio", "sector"]),
    Member(
        "tax_id",
        Kind::Text,
        &["taxid", "taxnumber", "vat", "vatnumber", "nit", "rut", "ruc", "cuit", "cif", "ein"],
    ),
    Member(
        "emergency_contact_name",
        Kind::Text,
        &["emergencycontactname", "emergencycontact", "contactodeemergencia"],
    ),
    Member(
        "emergency_contact_phone",
        Kind::Phone,
        &["emergencycontactphone", "emergencyphone", "telefonodeemergencia"],
    ),
    Member("emergency_contact_relationship", Kind::Text, &["emergencycontactrelationship", "relationship"]),
    Member("preferred_contact_method", Kind::Text, &["preferredcontactmethod", "contactmethod"]),
    Member("notification_preferences", Kind::Object, &["notificationpreferences"]),
    Member(
        "marketing_emails",
        Kind::Bool,
        &[
            "marketingemails",
            "newsletter",
            "emailmarketing",
            "marketingemail",
            "acceptsmarketing",
            "acceptsemailmarketing",
            "boletin",
        ],
    ),
    Member("marketing_sms", Kind::Bool, &["marketingsms", "smsmarketing", "acceptssmsmarketing"]),
    Member("customer_since", Kind::Date, &["customersince", "membersince", "clientedesde"]),
    Member(
        "notes",
        Kind::Text,
        &["notes", "note", "comments", "comment", "notas", "observaciones", "comentarios"],
    ),
    Member("tags", Kind::Text, &["tags", "taglist", "labels", "etiquetas"]),
    Member("metadata", Kind::Object, &["metadata"]),
    Member("is_active", Kind::Bool, &["isactive", "active", "activo", "enabled"]),
    Member("is_verified", Kind::Bool, &["isverified", "verified", "verificado"]),
    Member(
        "",
        Kind::ReadOnly,
        &[
            "id",
            "userid",
            "username",
            "userrole",
            "role",
            "companyid",
            "pendingemail",
            "emailverified",
            "phoneverified",
            "phonee164",
            "phonestatus",
            "countrycode",
            "fulladdress",
            "isbusinesscustomer",
            "deactivatedat",
            "deactivationreason",
            "verifiedat",
            "verifiedby",
            "lastloginat",
            "lastlogin",
            "totalservices",
            "lastservicedate",
            "createdat",
            "updatedat",
            "version",
            "avatar",
        ],
    ),
];

/// Members by the names of columns, with the rank of the name.
static NAMES: LazyLock<HashMap<&'static str, (&'static Member, usize)>> = LazyLock::new(|| {
    let names =
        |member: &'static Member| member.2.iter().enumerate().map(move |(rank, n)| (*n, (member, rank)));
    MEMBERS.iter().flat_map(names).collect()
});

/// A column's name without case, accents, spaces and punctuation.
fn name_key(name: &str) -> String {
    search_key(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The key of a column `metadata.key`, as it is written.
fn metadata_key(name: &str) -> Option<&str> {
    let (head, key) = name.trim().split_at_checked("metadata.".len())?;
    (head.eq_ignore_ascii_case("metadata.") && !key.is_empty()).then_some(key)
}

/// Does this name mean a member?
pub fn is_known(name: &str) -> bool {
    NAMES.contains_key(name_key(name).as_str()) || metadata_key(name).is_some()
}

/// How cells of a member are read; `None` for what is no member.
pub fn kind_of(member: &str) -> Option<Kind> {
    MEMBERS.iter().find(|m| m.0 == member && m.1 != Kind::ReadOnly).map(|m| m.1)
}

/// What is done with columns that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportUnknown)]
pub enum Unknown {
    /// They are listed and left out.
    #[default]
    Ignore,
    /// The file is refused.
    Refuse,
    /// They become metadata under their own names.
    Metadata,
}

/// One rule of a mapping: the column by name or by its place from 1, and the member, or nothing to ignore it.
pub type Rule = (String, Option<String>);

/// Reads `column=member` separated by commas; nothing after `=` ignores the column.
pub fn parse_mapping(text: &str) -> Result<Vec<Rule>, FieldError> {
    let rule = |part: &str| {
        let (column, member) = part.rsplit_once('=')?;
        let member = member.trim();
        let known = member.is_empty() || member == "ignore" || is_target(member);
        let member = (!member.is_empty() && member != "ignore").then(|| member.to_owned());
        (known && !column.trim().is_empty()).then(|| (column.trim().to_owned(), member))
    };
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| rule(part).ok_or(part)).collect::<Result<_, _>>().map_err(|part| {
        let members: Vec<&str> = MEMBERS.iter().map(|m| m.0).filter(|m| !m.is_empty()).collect();
        let part: String = part.chars().take(80).collect();
        let message = format!(
            "`{part}` is not column=member; members are {}, metadata.KEY, and ignore",
            members.join(", ")
        );
        FieldError::new("mapping", "invalid_mapping", message)
    })
}

fn is_target(member: &str) -> bool {
    kind_of(member).is_some() || metadata_key(member).is_some()
}

/// What each column of a file is. All errors at once.
pub fn plan(names: &[String], mapping: &[Rule], unknown: Unknown) -> Result<Vec<Column>, Vec<FieldError>> {
    let mut errors = Vec::new();
    if names.len() > MOST_COLUMNS {
        let message = format!("has {} columns or more; at most {MOST_COLUMNS} are read", names.len());
        return Err(vec![FieldError::new("file", "too_many_columns", message)]);
    }
    let said = match_rules(names, mapping, &mut errors);
    let ranked: Vec<(Option<String>, usize)> =
        names.iter().zip(&said).map(|(name, said)| target(name, said.as_ref())).collect();
    let mut columns = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let name = name.trim().to_owned();
        let (mut member, rank) = ranked[at].clone();
        let rivals = || ranked.iter().enumerate().filter(|(_, (m, _))| m.is_some() && *m == ranked[at].0);
        if rivals().any(|(other, (_, r))| (*r, other) < (rank, at)) {
            let same = rivals().any(|(other, (_, r))| *r == rank && other != at);
            if same || unknown == Unknown::Refuse {
                let message = format!(
                    "is the member {} like another column; map one of them to ignore",
                    ranked[at].0.as_deref().unwrap_or_default()
                );
                errors.push(FieldError::new(name.clone(), "duplicate_column", message));
            }
            member = None;
        }
        let known = said[at].is_some() || is_known(&name) || name.is_empty();
        if member.is_none() && !known {
            match unknown {
                Unknown::Ignore => {}
                Unknown::Metadata => member = Some(format!("metadata.{name}")),
                Unknown::Refuse => {
                    let message = "is not a known member; map it to one, or to ignore";
                    errors.push(FieldError::new(name.clone(), "unknown_column", message));
                }
            }
        }
        columns.push(Column { name, member });
    }
    if columns.iter().all(|column| column.member.is_none()) && errors.is_empty() {
        let message = "has no column that is known; does its first row name the columns, as email,first_name,last_name?";
        errors.push(FieldError::new("file", "no_known_column", message));
    }
    if errors.is_empty() { Ok(columns) } else { Err(errors) }
}

/// What the mapping says about each column.
fn match_rules(
    names: &[String],
    mapping: &[Rule],
    errors: &mut Vec<FieldError>,
) -> Vec<Option<Option<String>>> {
    let mut said: Vec<Option<Option<String>>> = vec![None; names.len()];
    for (column, member) in mapping {
        let named: Vec<usize> =
            (0..names.len()).filter(|at| search_key(&names[*at]) == search_key(column)).collect();
        let place = column.parse::<usize>().ok().filter(|n| (1..=names.len()).contains(n)).map(|n| n - 1);
        match (named.is_empty(), place) {
            (false, _) => named.iter().for_each(|at| said[*at] = Some(member.clone())),
            (true, Some(at)) => said[at] = Some(member.clone()),
            (true, None) => {
                let message = format!("names the column {column}, which the file does not have");
                errors.push(FieldError::new("mapping", "unknown_column", message));
            }
        }
    }
    said
}

/// The member of a column, and the rank of its name among the member's: what is said comes first.
fn target(name: &str, said: Option<&Option<String>>) -> (Option<String>, usize) {
    if let Some(said) = said {
        return (said.clone(), 0);
    }
    if let Some(key) = metadata_key(name) {
        return (Some(format!("metadata.{key}")), 1);
    }
    match NAMES.get(name_key(name).as_str()) {
        Some((member, rank)) if member.1 != Kind::ReadOnly => (Some(member.0.to_owned()), rank + 1),
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(header: &str) -> Vec<String> {
        header.split(',').map(str::to_owned).collect()
    }

    fn members(header: &str) -> Vec<String> {
        let columns = plan(&names(header), &[], Unknown::Ignore).unwrap();
        columns.into_iter().map(|c| c.member.unwrap_or_default()).collect()
    }

    fn codes(header: &str, mapping: &str, unknown: Unknown) -> Vec<&'static str> {
        let errors = plan(&names(header), &parse_mapping(mapping).unwrap(), unknown).unwrap_err();
        errors.iter().map(|f| f.code).collect()
    }

    #[test]
    fn every_name_is_folded_and_means_one_member() {
        let all: Vec<&str> = MEMBERS.iter().flat_map(|m| m.2).copied().collect();
        for name in &all {
            assert_eq!(name_key(name), **name);
        }
        for member in MEMBERS.iter().filter(|m| !m.0.is_empty()) {
            assert_eq!(member.2[0], name_key(member.0), "our own name comes first");
            for other in MEMBERS.iter().filter(|m| m.0 != member.0) {
                assert!(member.2.iter().all(|name| !other.2.contains(name)), "{} and {}", member.0, other.0);
            }
        }
    }

    #[test]
    fn the_spellings_of_the_five_documents_are_known() {
        let profile = "street_address,city,state,postal_code,country,company_name,tax_id";
        assert_eq!(
            members(profile),
            ["address_line1", "city", "state", "postal_code", "country", "company_name", "tax_id"]
        );
        assert_eq!(
            members("email,first_name,last_name,phone_number"),
            ["email", "first_name", "last_name", "phone"]
        );
        assert_eq!(
            members("first_name,phone,address_line1,is_active"),
            ["first_name", "phone", "address_line1", "is_active"]
        );
        assert_eq!(
            members("E-mail,Given Name,SURNAME,Zip Code"),
            ["email", "first_name", "last_name", "postal_code"]
        );
        assert_eq!(
            members("Correo electrónico,Nombre,Apellidos,Teléfono,País,Ciudad,Departamento,id externo"),
            ["email", "first_name", "last_name", "phone", "country", "city", "state", "external_id"]
        );
        assert_eq!(members("metadata.Shop ID,id,email"), ["metadata.Shop ID", "", "email"]);
    }

    #[test]
    fn of_two_columns_for_a_member_the_usual_name_counts() {
        assert_eq!(members("mobile,phone,email"), ["", "phone", "email"]);
        assert_eq!(codes("email,EMAIL", "", Unknown::Ignore), ["duplicate_column"]);
        assert_eq!(codes("mobile,phone", "", Unknown::Refuse), ["duplicate_column"]);
    }

    #[test]
    fn unknown_columns_are_listed_refused_or_kept() {
        assert_eq!(members("email,shoe size"), ["email", ""]);
        assert_eq!(codes("email,shoe size", "", Unknown::Refuse), ["unknown_column"]);
        let kept = plan(&names("email,Shoe size"), &[], Unknown::Metadata).unwrap();
        assert_eq!(kept[1].member.as_deref(), Some("metadata.Shoe size"));
        assert_eq!(codes("shoe size,hat", "", Unknown::Ignore), ["no_known_column"]);
        let many = vec!["email".to_owned(); MOST_COLUMNS + 1];
        assert_eq!(plan(&many, &[], Unknown::Ignore).unwrap_err()[0].code, "too_many_columns");
    }

    #[test]
    fn a_mapping_wins_over_names() {
        let rules = parse_mapping("2=email, Email = ignore, shoe size=metadata.shoe").unwrap();
        let columns = plan(&names("email,contact,Shoe Size"), &rules, Unknown::Refuse).unwrap();
        let members: Vec<_> = columns.iter().map(|c| c.member.as_deref()).collect();
        assert_eq!(members, [None, Some("email"), Some("metadata.shoe")]);
        assert_eq!(codes("email", "telefon=phone", Unknown::Ignore), ["unknown_column"]);
        for wrong in ["email", "=email", "a=nonsense", "a=id"] {
            assert_eq!(parse_mapping(wrong).unwrap_err().code, "invalid_mapping", "{wrong}");
        }
    }
}
