//! Queries, cursors and envelopes, without a router.

use axum::http::Uri;
use axum::response::IntoResponse;
use proptest::prelude::*;
use serde_json::{Value, json};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::*;

struct Things;

#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
struct Thing {
    name: Option<String>,
}

#[derive(Debug, Clone)]
struct Row {
    id: Uuid,
    name: Option<String>,
    at: i64,
}

impl Keyed for Row {
    fn id(&self) -> Uuid {
        self.id
    }
    fn sort_key(&self, sort: &str) -> Key {
        match sort {
            "name" => self.name.clone().map_or(Key::Null, Key::Text),
            "visits" => Key::Int(self.at),
            "active" => Key::Bool(self.at > 0),
            "born" => Key::Date(jiff::civil::date(1990, 5, 15)),
            _ => Key::Time(Timestamp::from_micros(self.at).unwrap()),
        }
    }
}

const fn sort(name: &'static str, kind: Kind, nullable: bool) -> Sort {
    Sort { name, column: "t.x", kind, nullable }
}
const fn filter(name: &'static str, kind: Accepts) -> Filter {
    Filter { name, sql: "t.x = ", kind, doc: "Narrows." }
}

static SPEC: ListSpec = ListSpec {
    resource: "things",
    sorts: &[
        sort("created_at", Kind::Time, false),
        sort("name", Kind::Text, true),
        sort("visits", Kind::Int, false),
        sort("active", Kind::Bool, false),
        sort("born", Kind::Date, true),
    ],
    filters: &[
        filter("city", Accepts::Text(str::to_lowercase)),
        filter("is_active", Accepts::Bool),
        filter("owner", Accepts::Uuid),
        filter("created_after", Accepts::Time),
        filter("born", Accepts::Date),
        filter("visits", Accepts::Int),
        filter("gender", Accepts::OneOf(&["male", "female"])),
    ],
    default_sort: "-created_at",
};

impl ListOf for Things {
    type Item = Thing;
    const SPEC: &'static ListSpec = &SPEC;
}

fn list(query: &str) -> ListRequest {
    let mut request = parse(&SPEC, query).unwrap();
    request.uri = Some(format!("/api/v1/things?{query}").parse::<Uri>().unwrap());
    request
}

fn refused(query: &str) -> (u16, &'static str) {
    let error = parse(&SPEC, query).unwrap_err();
    (error.kind().status(), error.code())
}

fn rows(n: usize) -> Vec<Row> {
    let row = |i: usize| Row { id: Uuid::from_u128(i as u128), name: Some(format!("n{i}")), at: i as i64 };
    (1..=n).map(row).collect()
}

fn page(query: &str, rows: Vec<Row>, total: Total) -> (Value, String) {
    let reply = ListReply::<Things>::new(&list(query), rows, total, |row| Thing { name: row.name });
    let body = serde_json::to_value(&reply).unwrap();
    let response = reply.into_response();
    let links = response.headers().get("link").map(|v| v.to_str().unwrap().to_owned());
    (body, links.unwrap_or_default())
}

#[test]
fn the_defaults() {
    let request = list("");
    assert_eq!((request.limit, request.fetch(), request.offset()), (20, 21, 0));
    assert_eq!(request.sort_text(), "-created_at,-id");
    assert!(request.filters.is_empty());
}

#[test]
fn the_id_completes_in_the_last_direction() {
    let texts = [
        ("sort=-name,visits", "-name,visits,id"),
        ("sort=name,-visits", "name,-visits,-id"),
        ("sort=name,-id", "name,-id"),
        ("sort=id", "id"),
        ("sort=%2Bname", "name,id"),
        ("sort_by=name", "name,id"),
        ("sort_by=name&sort_order=DESC", "-name,-id"),
        ("sort_by=-name", "-name,-id"),
        ("sort_order=asc", "created_at,id"),
        ("sort=", "-created_at,-id"),
    ];
    for (query, order) in texts {
        assert_eq!(list(query).sort_text(), order, "{query}");
    }
}

#[test]
fn filters_arrive_ready_to_bind() {
    let request = list(
        "city=S%C3%83O+Paulo&is_active=TRUE&owner=0190b5a4-0000-7000-8000-000000000000\
         &created_after=2026-03-01T10:00:00+02:00&born=1990-05-15&visits=-3&gender=male",
    );
    let values: Vec<String> = request.filters.iter().map(|(_, value)| format!("{value:?}")).collect();
    assert_eq!(request.filter("city"), Some(&FilterValue::Text("são paulo".into())));
    assert_eq!(request.filter("is_active"), Some(&FilterValue::Bool(true)));
    assert!(values[3].contains("2026-03-01T08:00:00Z"), "{values:?}");
    assert_eq!(request.filter("born"), Some(&FilterValue::Date(jiff::civil::date(1990, 5, 15))));
    assert_eq!(request.filter("visits"), Some(&FilterValue::Int(-3)));
    assert_eq!(request.filter("gender"), Some(&FilterValue::Text("male".into())));
    assert_eq!(request.filters.len(), 7);
    assert!(list("city=&limit=").filters.is_empty());
}

#[test]
fn what_cannot_be_read_is_refused() {
    let cases = [
        ("limit=1001", 422, "LIMIT_TOO_LARGE"),
        ("limit=0", 422, "PARAMETER_OUT_OF_RANGE"),
        ("limit=-1", 422, "PARAMETER_OUT_OF_RANGE"),
        ("limit=ten", 400, "PARAMETER_INVALID"),
        ("page=0", 422, "PARAMETER_OUT_OF_RANGE"),
        ("offset=99999999999999999999", 422, "PARAMETER_OUT_OF_RANGE"),
        ("offset=1&page=2", 400, "PARAMETERS_CONFLICT"),
        ("offset=1&skip=2", 400, "PARAMETERS_CONFLICT"),
        ("cursor=x&page=2", 400, "PARAMETERS_CONFLICT"),
        ("sort=name&sort_by=name", 400, "PARAMETERS_CONFLICT"),
        ("sort=name&sort_order=asc", 400, "PARAMETERS_CONFLICT"),
        ("sort_order=up", 400, "PARAMETER_INVALID"),
        ("sort=salary", 400, "UNKNOWN_SORT_FIELD"),
        ("sort=name,-name", 400, "PARAMETER_INVALID"),
        ("sort=id,name", 400, "PARAMETER_INVALID"),
        ("colour=red", 400, "UNKNOWN_PARAMETER"),
        ("city=a&city=b", 400, "PARAMETER_REPEATED"),
        ("limit=1&limit=1", 400, "PARAMETER_REPEATED"),
        ("city=%zz", 400, "QUERY_INVALID"),
        ("city=%ff", 400, "QUERY_INVALID"),
        ("city=%00", 400, "PARAMETER_INVALID"),
        ("is_active=maybe", 400, "PARAMETER_INVALID"),
        ("gender=robot", 400, "PARAMETER_INVALID"),
        ("owner=me", 400, "PARAMETER_INVALID"),
        ("created_after=soon", 400, "PARAMETER_INVALID"),
        ("cursor=!!!", 400, "CURSOR_INVALID"),
        ("cursor=e30", 400, "CURSOR_INVALID"),
    ];
    for (query, status, code) in cases {
        assert_eq!(refused(query), (status, code), "{query}");
    }
}

#[test]
fn a_refusal_lists_what_is_allowed() {
    let error = parse(&SPEC, "colour=red").unwrap_err();
    assert_eq!(
        error.detail(),
        "Unknown parameter \"colour\"; allowed are city, is_active, owner, created_after, born, visits, gender, \
         limit, offset, skip, page, cursor, sort, sort_by, sort_order"
    );
    let error = parse(&SPEC, "limit=0").unwrap_err();
    assert_eq!(error.detail(), "limit must be at least 1 and at most 1000");
    let error = parse(&SPEC, "sort=pay").unwrap_err();
    assert_eq!(
        error.detail(),
        "Unknown sort field \"pay\"; allowed are created_at, name, visits, active, born, id"
    );
}

#[test]
fn the_envelope_of_a_first_page() {
    let (body, links) = page("limit=2&city=Rome", rows(3), Total::exact(5));
    let cursor = body["next_cursor"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "things": [{"name": "n1"}, {"name": "n2"}], "total": 5, "limit": 2, "offset": 0, "page": 1,
            "total_pages": 3, "has_more": true, "next_cursor": cursor,
        })
    );
    assert_eq!(links, format!("</api/v1/things?limit=2&city=Rome&cursor={cursor}>; rel=\"next\""));
    let (body, links) = page(&format!("limit=2&city=Rome&cursor={cursor}"), rows(1), Total::exact(3));
    assert_eq!((&body["offset"], &body["page"], &body["has_more"]), (&json!(2), &json!(2), &json!(false)));
    assert_eq!(body["next_cursor"], Value::Null);
    assert_eq!(links, "</api/v1/things?limit=2&city=Rome>; rel=\"first\"");
}

#[test]
fn links_keep_the_callers_way_of_paging() {
    let (_, links) = page("skip=4&limit=2&city=a%20b", rows(3), Total::exact(9));
    assert_eq!(
        links,
        "</api/v1/things?limit=2&city=a%20b&offset=6>; rel=\"next\", \
         </api/v1/things?limit=2&city=a%20b&offset=2>; rel=\"prev\", \
         </api/v1/things?limit=2&city=a%20b&offset=0>; rel=\"first\""
    );
    let (body, links) = page("page=3&limit=2", rows(2), Total::exact(6));
    assert_eq!((&body["offset"], &body["page"], &body["has_more"]), (&json!(4), &json!(3), &json!(false)));
    assert_eq!(
        links,
        "</api/v1/things?limit=2&page=2>; rel=\"prev\", </api/v1/things?limit=2&page=1>; rel=\"first\""
    );
}

#[test]
fn a_bounded_total_says_so() {
    let (body, _) = page("", rows(1), Total::bounded(10_001, 10_000));
    assert_eq!((&body["total"], &body["total_is_exact"]), (&json!(10_000), &json!(false)));
    assert!(Total::bounded(10_000, 10_000).exact);
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let reply = ListReply::<Things>::new(&list("sort=name&limit=1"), rows(2), Total::exact(2), |row| Thing {
        name: row.name,
    });
    let cursor = reply.next_cursor().unwrap();
    let Page::Cursor(read) = list(&format!("sort=name&cursor={cursor}")).page else { panic!("no cursor") };
    assert_eq!(read, Cursor { keys: vec![Key::Text("n1".into())], id: Uuid::from_u128(1), position: 1 });
    assert_eq!(refused(&format!("sort=-name&cursor={cursor}")), (400, "CURSOR_INVALID"));
    assert_eq!(refused(&format!("cursor={cursor}")), (400, "CURSOR_INVALID"));
}

#[test]
fn parameters_and_envelope_are_documented() {
    let names: Vec<String> = Listing::<Things>::into_params(|| None).into_iter().map(|p| p.name).collect();
    assert_eq!(names[..3], ["city", "is_active", "owner"]);
    assert!(parse::COMMON.iter().all(|common| names.iter().any(|name| name == common)));
    assert_eq!(ListReply::<Things>::name(), "ThingList");
    let schema = serde_json::to_value(ListReply::<Things>::schema()).unwrap();
    assert_eq!(schema["properties"]["things"]["items"]["$ref"], "#/components/schemas/Thing");
    let (body, _) = page("", rows(1), Total::exact(1));
    for member in body.as_object().unwrap().keys() {
        assert!(schema["properties"].get(member).is_some(), "{member} is not documented");
    }
}

/// PostgreSQL cannot hold them, and nobody was given one.
#[test]
fn times_outside_the_years_1_to_9999_are_refused() {
    let cursor = |sort: &str, key: Value| {
        let text = json!([format!("{sort},id"), 1, [key], Uuid::nil()]).to_string();
        format!("sort={sort}&cursor={}", data_encoding::BASE64URL_NOPAD.encode(text.as_bytes()))
    };
    let year_1 = -62_135_596_800_000_000i64;
    let (last, before_christ) = (253_402_207_200_000_000i64, json!("-000001-05-15"));
    for key in [year_1, 0, last] {
        list(&cursor("created_at", json!(key)));
    }
    list(&cursor("born", json!("0001-01-01")));
    for key in [year_1 - 1, year_1 * 5, last * 2, i64::MIN, i64::MAX] {
        assert_eq!(refused(&cursor("created_at", json!(key))), (400, "CURSOR_INVALID"), "{key}");
    }
    for key in [before_christ, json!("0000-12-31"), json!("-009999-01-01")] {
        assert_eq!(refused(&cursor("born", key.clone())), (400, "CURSOR_INVALID"), "{key}");
    }
    for time in
        ["0000-12-31T23:59:59Z", "-000001-05-15", "-009999-05-15T00:00:00Z", "0001-01-01T00:00:00%2B01:00"]
    {
        assert_eq!(refused(&format!("created_after={time}")), (400, "PARAMETER_INVALID"), "{time}");
        assert_eq!(refused(&format!("born={time}")), (400, "PARAMETER_INVALID"), "{time}");
    }
}

#[test]
fn far_pages_are_refused_and_cursors_go_on() {
    for query in ["offset=1000001", "skip=1000001", "page=50002", "limit=1000&page=1002"] {
        assert_eq!(refused(query), (400, "OFFSET_TOO_LARGE"), "{query}");
    }
    assert_eq!(list("page=50001").offset(), 1_000_000);
    assert_eq!(list("offset=1000000").offset(), 1_000_000);
    let far = cursor::after(&list(""), &rows(1)[0], 2_000_000);
    assert_eq!(list(&format!("cursor={far}")).offset(), 2_000_000);
}

prop_compose! {
    fn any_row()(id: u128, name in proptest::option::of("\\PC{0,20}"), at in -9_000_000_000_000_000i64..9_000_000_000_000_000)
        -> Row { Row { id: Uuid::from_u128(id), name, at } }
}

proptest! {
    #[test]
    fn any_query_is_read_or_refused(query in "\\PC{0,60}") {
        let _ = parse(&SPEC, &query);
    }

    #[test]
    fn any_likely_query_is_read_or_refused(
        query in "(limit|offset|page|cursor|sort|sort_by|city|is_active|created_after|born|visits)=[a-z0-9%+,:TZ. -]{0,30}"
    ) {
        let _ = parse(&SPEC, &query);
    }

    #[test]
    fn cursors_come_back_as_they_went(row in any_row(), position in 0u64..1_000_000) {
        let query = "sort=name,-visits,active,born";
        let request = list(query);
        let text = cursor::after(&request, &row, position);
        let Page::Cursor(read) = list(&format!("{query}&cursor={text}")).page else { panic!("no cursor") };
        let keys: Vec<Key> = request.order.iter().map(|o| row.sort_key(o.sort.name)).collect();
        prop_assert_eq!(read, Cursor { keys, id: row.id, position });
    }

    #[test]
    fn any_cursor_is_read_or_refused(text in "[A-Za-z0-9_-]{0,60}") {
        let _ = parse(&SPEC, &format!("cursor={text}"));
    }

    #[test]
    fn any_json_in_a_cursor_is_read_or_refused(key in "[\\[\\]0-9a-z\",-]{0,12}", id in "[0-9a-f-]{0,36}", n: i64) {
        let text = format!("[\"-created_at,-id\",{n},[{key}],\"{id}\"]");
        let _ = parse(&SPEC, &format!("cursor={}", data_encoding::BASE64URL_NOPAD.encode(text.as_bytes())));
    }
}
