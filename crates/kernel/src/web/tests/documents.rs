//! Lists through the router, and the OpenAPI document of routes that use all of the conventions.

use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::*;
use crate::Result;
use crate::web::body::{Body as JsonBody, Fields, Input};
use crate::web::docs;
use crate::web::list::{
    Accepts, Filter, Key, Keyed, Kind, ListOf, ListReply, ListSpec, Listing, Sort, Total,
};
use crate::web::problem::Problems;
use crate::web::reply::{Created, ETag};

#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
struct Car {
    /// Set by the server.
    id: Uuid,
    plate: String,
    owner: Option<Owner>,
}

#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
struct Owner {
    name: String,
}

struct NewOwner {
    name: String,
}
impl Input for NewOwner {
    const NAME: &'static str = "NewOwner";
    fn read(f: &mut Fields<'_>) -> Option<NewOwner> {
        let name = f.need_text("name", 50);
        f.build(|| NewOwner { name: name.get() })
    }
}

struct NewCar {
    plate: String,
    owner: NewOwner,
}
impl Input for NewCar {
    const NAME: &'static str = "NewCar";
    fn read(f: &mut Fields<'_>) -> Option<NewCar> {
        let plate = f.need_text("plate", 12);
        f.note("As on the plate.");
        let owner = f.need_nested("owner");
        f.read_only(&["id"]);
        f.build(|| NewCar { plate: plate.get(), owner: owner.get() })
    }
}
type NewCarBody = JsonBody<NewCar>;

struct Cars;
impl ListOf for Cars {
    type Item = Car;
    const SPEC: &'static ListSpec = &ListSpec {
        resource: "cars",
        sorts: &[Sort { name: "plate", column: "c.plate", kind: Kind::Text, nullable: false }],
        filters: &[Filter {
            name: "plate",
            sql: "c.plate = ",
            kind: Accepts::Text(str::to_uppercase),
            doc: "Its plate.",
        }],
        default_sort: "plate",
    };
}
type CarList = ListReply<Cars>;

impl Keyed for Car {
    fn id(&self) -> Uuid {
        self.id
    }
    fn sort_key(&self, _: &str) -> Key {
        Key::Text(self.plate.clone())
    }
}

/// Adds a car.
#[utoipa::path(post, path = "/cars", request_body = NewCarBody, responses((status = 201, body = Car), Problems))]
async fn add(JsonBody(new): NewCarBody) -> Created<Car> {
    let owner = Some(Owner { name: new.owner.name });
    let body = Car { id: Uuid::nil(), plate: new.plate, owner };
    Created { location: "/cars/0".into(), tag: Some(ETag::of(&[&1])), body }
}

/// Lists cars.
#[utoipa::path(get, path = "/cars", params(Listing<Cars>), responses((status = 200, body = CarList), Problems))]
async fn list(Listing(request, _): Listing<Cars>) -> Result<CarList> {
    let car = |i: u128| Car { id: Uuid::from_u128(i), plate: format!("P{i}"), owner: None };
    let rows = (0..request.fetch().unsigned_abs()).map(|i| car(u128::from(i))).collect();
    Ok(ListReply::new(&request, rows, Total::exact(99), |car| car))
}

fn app() -> HttpService {
    let (router, mut api) =
        OpenApiRouter::new().nest("/api", OpenApiRouter::new().routes(routes!(add, list))).split_for_parts();
    docs::complete(&mut api);
    edge(router.merge(docs::routes(&api).unwrap()), settings())
}

#[tokio::test]
async fn a_list_links_to_its_next_page_from_the_root() {
    let reply = fetch(&app(), "/api/cars/?limit=2&plate=p", &[]).await;
    let cursor = reply.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("link"), format!("</api/cars?limit=2&plate=p&cursor={cursor}>; rel=\"next\""));
    assert_eq!(reply.json()["cars"][1]["plate"], "P1");
    let reply = fetch(&app(), "/api/cars?limit=1001", &[]).await;
    assert_eq!(reply.problem(), (422, "LIMIT_TOO_LARGE".into()));
    assert_eq!(fetch(&app(), "/api/cars?color=red", &[]).await.problem(), (400, "UNKNOWN_PARAMETER".into()));
}

#[tokio::test]
async fn the_document_describes_bodies_lists_and_problems() {
    let api = fetch(&app(), "/openapi.json", &[]).await.json();
    assert_eq!(api["openapi"], "3.1.0");
    let post = &api["paths"]["/api/cars"]["post"];
    let body = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body, &json!({"$ref": "#/components/schemas/NewCar"}));
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["NewCar"]["required"], json!(["plate", "owner"]));
    assert_eq!(schemas["NewCar"]["properties"]["plate"]["description"], "As on the plate.");
    assert_eq!(schemas["NewOwner"]["properties"]["name"]["maxLength"], 50);
    let get = &api["paths"]["/api/cars"]["get"];
    let list = &get["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(list, &json!({"$ref": "#/components/schemas/CarList"}));
    assert_eq!(schemas["CarList"]["properties"]["cars"]["items"]["$ref"], "#/components/schemas/Car");
    assert_eq!(get["parameters"][0]["name"], "plate");
    let shared = get["responses"]["422"]["$ref"].as_str().and_then(|path| api.pointer(&path[1..])).unwrap();
    let problem = &shared["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(problem, "#/components/schemas/Problem");
    assert_eq!(api["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let reply = fetch(&app(), "/openapi.json", &[]).await;
    let api = reply.json();
    let text = String::from_utf8(reply.bytes).unwrap();
    let references: Vec<&str> =
        text.split("\"$ref\": \"").skip(1).map(|t| t.split('"').next().unwrap()).collect();
    assert!(references.len() > 20);
    for reference in references {
        assert!(api.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let app = app();
    let page = fetch(&app, "/docs/", &[]).await;
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-security-policy").contains("default-src 'none'; script-src 'self';"));
    assert!(!html.contains("://"), "{html}");
    for address in html.split('"').filter(|part| part.starts_with('/')) {
        let file = fetch(&app, address, &[]).await;
        assert_eq!(file.status, 200, "{address}");
        assert!(!file.bytes.is_empty());
    }
    let start = fetch(&app, "/docs/start.js", &[]).await;
    assert_eq!(start.header("content-type"), "text/javascript");
    assert!(String::from_utf8(start.bytes).unwrap().contains("validatorUrl: null"));
    assert_eq!(fetch(&app, "/docs/index.html", &[]).await.problem().0, 404);
}
