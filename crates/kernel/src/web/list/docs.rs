//! A list in the OpenAPI document: its parameters and its envelope, from the same [`ListSpec`].

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Object, Ref, RefOr, Required};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::{Accepts, DEFAULT_LIMIT, ListOf, ListReply, ListSpec, Listing, MAX_LIMIT};
use crate::web::field::{one_of, plain};

impl<L: ListOf> IntoParams for Listing<L> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        parameters(L::SPEC)
    }
}

fn parameters(spec: &ListSpec) -> Vec<Parameter> {
    let one = |name: &str, about: &str, schema: Object| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema))
            .build()
    };
    let int = |least: u64| {
        let mut schema = plain(Type::Integer, Some(KnownFormat::Int64));
        schema.minimum = Some(i64::try_from(least).unwrap_or(i64::MAX).into());
        schema
    };
    let mut limit = int(1);
    limit.maximum = Some(MAX_LIMIT.into());
    limit.default = Some(json!(DEFAULT_LIMIT));
    let text = || plain(Type::String, None);
    // No `default`: a generated client would send it, and so undo an order by relevance.
    let sort = text();
    let names: Vec<&str> = spec.sort_names().collect();
    let sort_about = format!(
        "Fields separated by commas, `-` for descending; completed by id. `{}` without it. Fields: {}.",
        spec.default_sort,
        names.join(", ")
    );
    let field = one_of(spec.sort_names());
    let way = one_of(["asc", "desc"]);
    let filters = spec.filters.iter().map(|f| one(f.name, f.doc, schema_of(f.kind)));
    filters
        .chain([
            one("limit", "Elements per page.", limit),
            one("cursor", "`next_cursor` of the page before. Excludes `offset` and `page`.", text()),
            one("offset", "Elements to skip.", int(0)),
            one("skip", "Another spelling of `offset`.", int(0)),
            one("page", "Number of the page, from 1.", int(1)),
            one("sort", &sort_about, sort),
            one("sort_by", "One sort field; with `sort_order` another way to say `sort`.", field),
            one("sort_order", "Direction of `sort_by`; ascending by default.", way),
        ])
        .collect()
}

impl ListSpec {
    /// The filters as the members of an object, for bodies that take the same.
    pub fn filters_schema(&self) -> Object {
        let mut object = ObjectBuilder::new().schema_type(Type::Object);
        for filter in self.filters {
            let mut schema = schema_of(filter.kind);
            schema.description = Some(filter.doc.to_owned());
            object = object.property(filter.name, schema);
        }
        object.additional_properties(Some(AdditionalProperties::FreeForm(false))).build()
    }

    /// The fields that it sorts by, with `id`.
    pub fn sort_names(&self) -> impl Iterator<Item = &'static str> {
        self.sorts.iter().map(|sort| sort.name).chain(["id"])
    }
}

fn schema_of(kind: Accepts) -> Object {
    match kind {
        Accepts::Text(_) => plain(Type::String, None),
        Accepts::Bool => plain(Type::Boolean, None),
        Accepts::Uuid => plain(Type::String, Some(KnownFormat::Uuid)),
        Accepts::Time => plain(Type::String, Some(KnownFormat::DateTime)),
        Accepts::Date => plain(Type::String, Some(KnownFormat::Date)),
        Accepts::Int => plain(Type::Integer, Some(KnownFormat::Int64)),
        Accepts::OneOf(words) => one_of(words.iter().copied()),
    }
}

impl<L: ListOf> PartialSchema for ListReply<L> {
    fn schema() -> RefOr<Schema> {
        let about = |schema: Object, about: &str| {
            let mut schema = schema;
            schema.description = Some(about.to_owned());
            schema
        };
        let int = || plain(Type::Integer, Some(KnownFormat::Int64));
        let text = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
            .build();
        let item = Ref::from_schema_name(<L::Item as ToSchema>::name());
        let exact = "Present, and false, only when there are more matches than `total` says.";
        let mut object = ObjectBuilder::new()
            .description(Some(format!("A page of {}.", L::SPEC.resource)))
            .property(L::SPEC.resource, ArrayBuilder::new().items(item))
            .property("total", about(int(), "How many match the filters."))
            .property("total_is_exact", about(plain(Type::Boolean, None), exact))
            .property("limit", int())
            .property("offset", int())
            .property("page", int())
            .property("total_pages", int())
            .property("has_more", plain(Type::Boolean, None))
            .property("next_cursor", about(text, "Send it as `cursor` to read on."));
        for name in
            [L::SPEC.resource, "total", "limit", "offset", "page", "total_pages", "has_more", "next_cursor"]
        {
            object = object.required(name);
        }
        object.build().into()
    }
}

impl<L: ListOf> ToSchema for ListReply<L> {
    /// The element's name and `List`: `CustomerList`.
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}List", <L::Item as ToSchema>::name()))
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((<L::Item as ToSchema>::name().into_owned(), <L::Item as PartialSchema>::schema()));
        <L::Item as ToSchema>::schemas(schemas);
    }
}
