//! How SQLite answers what is asked most: by an index, never by reading every customer.

use std::sync::Arc;

use database::{Engine, Sql, Target};
use database::{args, row};
use kernel::web::list::{Cursor, Key, ListRequest, Page, parse};
use platform::Tx;
use platform::access::{Caller, Permission, Reach, Scope};
use platform::app::Feature;
use platform::ctx::{Ctx, RequestState};
use platform::test::{TestApp, on_both_engines};
use uuid::Uuid;

use super::customers_where;
use super::list::{EXPORTED, SPEC, conditions, is_quick, late, to_export};

row! {
    /// A line of `EXPLAIN QUERY PLAN`.
    struct Step { id: i64, parent: i64, notused: i64, detail: String }
}

/// Not by `sql!`: PostgreSQL has no such statement.
static LIST: Sql<0, Step> = explained(database::text!("EXPLAIN QUERY PLAN ", customers_where!("")));

macro_rules! one {
    ($column:literal) => {
        database::text!(
            "EXPLAIN QUERY PLAN ",
            customers_where!(""),
            "AND ",
            $column,
            " = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"
        )
    };
}

const fn explained<const N: usize>(text: &'static str) -> Sql<N, Step> {
    Sql::new(text, text)
}

async fn sqlite() -> TestApp {
    let features: [Feature; 2] = [identity::feature(), crate::feature()];
    TestApp::start(Engine::Sqlite, &features, &[]).await
}

async fn plan_of_list(tx: &mut Tx, request: &ListRequest) -> String {
    let everything = Scope::system("a test of plans");
    text(tx.page(&LIST, request, "c.id", conditions(&everything, request)).await.unwrap())
}

fn text(steps: Vec<Step>) -> String {
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
}

/// Reads no whole table, and sorts no more than the rows that are alike in the first column.
fn assert_by_index(what: &str, plan: &str) {
    for step in plan.split("; ") {
        assert!(!step.starts_with("SCAN") || step.contains("USING INDEX"), "{what}: {plan}");
        assert!(step != "USE TEMP B-TREE FOR ORDER BY", "{what}: {plan}");
    }
}

#[tokio::test]
async fn b4_the_lists_that_are_called_quick_use_an_index() {
    let app = sqlite().await;
    let mut tx = app.system().read().await.unwrap();
    for query in [
        "",
        "sort=created_at",
        "sort=-updated_at",
        "sort=customer_id",
        "sort=id",
        "is_active=true",
        "is_active=false",
        "city=lima",
        "country=us",
        "city=lima&sort=created_at",
        "state=ny",
        "postal_code=10001",
        "city=lima&country=us",
        "country=us&city=lima&state=ny&sort=created_at",
        "country=us&created_after=2026-01-01",
        "created_after=2026-01-01",
        "created_before=2026-01-01&is_active=true",
        "email=a@example.com&sort=first_name",
        "username=abc",
        "customer_id=CUST_00000001",
        "user_id=0198b5a4-0000-7000-8000-000000000001",
        "external_id=x",
    ] {
        let mut request = parse(&SPEC, query).unwrap();
        assert!(is_quick(true, &request), "{query}");
        assert_by_index(query, &plan_of_list(&mut tx, &request).await);
        let keys = request.order.iter().map(|o| match o.sort.kind {
            kernel::web::list::Kind::Time => Key::Time(app.app.clock.now()),
            _ => Key::Text("a".to_owned()),
        });
        let cursor = Cursor { keys: keys.collect(), id: Uuid::nil(), position: 20 };
        request.page = Page::Cursor(cursor);
        let plan = plan_of_list(&mut tx, &request).await;
        assert_by_index(&format!("{query} after a cursor"), &plan);
        assert!(!plan.contains("SCAN"), "{query} reads all before the cursor: {plan}");
    }
}

#[test]
fn b4_what_no_index_answers_is_read_apart() {
    for query in [
        "sort=first_name",
        "sort=last_name",
        "sort=-city",
        "sort=created_at,email",
        "company_name=Tech",
        "tag=vip",
        "city=lima&is_active=true",
        "city=lima&sort=updated_at",
        "created_after=2026-01-01&sort=customer_id",
        "is_verified=true",
        "country=Atlantis",
        "skip=10001",
        "is_business_customer=true",
        "country=us&state=ny",
        "city=lima&state=ny",
        "postal_code=1&city=lima",
        "country=Atlantis&city=lima",
    ] {
        assert!(!is_quick(true, &parse(&SPEC, query).unwrap()), "{query}");
    }
    assert!(!is_quick(false, &parse(&SPEC, "").unwrap()));
    assert!(is_quick(false, &parse(&SPEC, "email=a@example.com").unwrap()));
}

/// What shares an index with others is read apart, and in order all the same: never sorted, never the whole table.
#[tokio::test]
async fn a55_combined_places_walk_one_index_in_order() {
    let app = sqlite().await;
    let mut tx = app.system().read().await.unwrap();
    for (query, index) in [
        ("city=lima", "customer_city "),
        ("country=us", "customer_country "),
        ("state=ny", "customer_state "),
        ("postal_code=10001", "customer_postal "),
        ("country=us&city=lima", "customer_country_city "),
        ("country=us&state=ny&city=lima", "customer_place "),
        ("country=us&state=ny", "customer_state "),
        ("state=ny&city=lima", "customer_city "),
        ("country=us&postal_code=10001&city=lima", "customer_postal "),
        ("city=lima&country=us&is_active=true", "customer_country_city "),
        ("is_active=true", "customer_active "),
    ] {
        let request = parse(&SPEC, query).unwrap();
        let plan = plan_of_list(&mut tx, &request).await;
        assert_by_index(query, &plan);
        assert!(plan.contains(index), "{query}: {plan}");
    }
}

/// PostgreSQL's plan is a column of text.
static LATE: Sql<0, String> = Sql::new("", database::text!("EXPLAIN ", customers_where!("")));

/// A page far down: the ids by an index, in its order, without the rows; then the rows of one page.
#[tokio::test]
async fn b4_deep_pages_pass_over_an_index_and_read_one_page_of_rows() {
    on_both_engines(&[identity::feature(), crate::feature()], async |app| {
        let everything = Scope::system("a test of plans");
        if let Target::Postgres(url) = &app.db.options.target {
            fill(url).await;
        }
        for (query, index) in [
            ("sort=-created_at", "customer_created"),
            ("sort=created_at", "customer_created"),
            ("sort=-updated_at", "customer_updated"),
            ("city=lima", "customer_city"),
            ("created_after=2020-01-01", "customer_created"),
            // No index has this order: the ids are sorted, and nothing else.
            ("sort=first_name", ""),
            ("sort=-city,last_name", ""),
            ("is_verified=true&sort=-total_services", ""),
        ] {
            let request = parse(&SPEC, &format!("{query}&skip=4000&limit=10")).unwrap();
            let w = conditions(&everything, &request);
            let mut tx = app.system().read().await.unwrap();
            if tx.engine() == Engine::Sqlite {
                let plan = text(tx.late_page(&late(&LIST), &request, w).await.unwrap());
                assert!(
                    plan.starts_with(
                        "SEARCH c USING INDEX sqlite_autoindex_customer_1 (id=?); LIST SUBQUERY"
                    ),
                    "{query}: {plan}"
                );
                // SQLite calls no partial index covering, and reads no row for it either.
                assert!(plan.contains(&format!("INDEX {index}")) || index.is_empty(), "{query}: {plan}");
                let ids = plan.split("LIST SUBQUERY").nth(1).unwrap_or_default();
                let users = ids.matches("SEARCH u").count();
                assert_eq!(users, if query.contains("name") { 2 } else { 1 }, "{query}: {plan}");
                let sorted = plan.matches("USE TEMP B-TREE FOR").count();
                assert_eq!(sorted, if index.is_empty() { 2 } else { 1 }, "{query}: {plan}");
            } else {
                let plan = tx.late_page(&late(&LATE), &request, w).await.unwrap().join("\n");
                assert!(plan.contains("Index Scan using customer_pkey on customer c "), "{query}: {plan}");
                // Of several indexes of a city it takes which it likes.
                let index = if query.starts_with("city") { "" } else { index };
                let by_index = ["", " Backward"].map(|way| format!("Index Only Scan{way} using {index}"));
                assert!(index.is_empty() || by_index.iter().any(|by| plan.contains(by)), "{query}: {plan}");
            }
        }
    })
    .await;
}

/// So many customers that plans differ, as after the server's own housekeeping.
async fn fill(url: &str) {
    let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    for statement in [
        "INSERT INTO user_account (id, unique_no, username, email_verified, first_name, last_name, name_key, phone_verified, role,
           is_active, created_at, updated_at, version)
         SELECT gen_random_uuid(), i, 'u' || i, false, 'F' || i % 97, 'L' || i % 89, 'l' || i % 89, false, 'customer', true,
           to_timestamp(1700000000 + i), to_timestamp(1700000000 + i), 1
         FROM generate_series(1, 8000) i",
        "INSERT INTO customer (id, customer_id, user_id, city, city_key, is_active, is_verified, customer_since, total_services,
           preferred_contact_method, notification_preferences, marketing_emails, marketing_sms, tags, metadata, notes,
           created_at, updated_at, version)
         SELECT gen_random_uuid(), 'CUST_' || lpad(u.unique_no::text, 8, '0'), u.id, 'Lima',
           CASE WHEN u.unique_no % 8 > 0 THEN 'lima' ELSE 'cusco' END, true, true, u.created_at, u.unique_no % 7, 'email',
           '{}', true, false, '', '{}', repeat('x', 200), u.created_at, u.created_at, 1
         FROM user_account u",
        "VACUUM ANALYZE customer",
        "VACUUM ANALYZE user_account",
    ] {
        client.batch_execute(statement).await.unwrap();
    }
}

/// Every page of an export begins where the last ended.
#[tokio::test]
async fn exports_never_sort_and_never_begin_anew() {
    let app = sqlite().await;
    let mut tx = app.system().read().await.unwrap();
    let everything = Scope::system("a test of plans");
    let mut manager = Caller::system("a manager");
    (manager.reach, manager.company_id) = (Reach::Company, Some(Uuid::nil()));
    let mut request = RequestState::new("plans".to_owned());
    request.caller = Ok(Some(Arc::new(manager)));
    let manager = Ctx::new(app.app.clone(), Arc::new(request));
    let company = manager.require(Permission::CustomersExport).unwrap();
    for query in [
        "",
        "tag=vip",
        "city=lima",
        "country=us&state=ny",
        "postal_code=1&city=x",
        "is_active=true",
        "is_verified=true&gender=male",
        "email_verified=true",
        "created_after=2026-01-01&tag=vip",
    ] {
        let mut request = parse(&EXPORTED, &format!("{query}&sort=created_at&limit=1000")).unwrap();
        let keys = vec![Key::Time(app.app.clock.now())];
        request.page = Page::Cursor(Cursor { keys, id: Uuid::nil(), position: 0 });
        for scope in [&everything, &company] {
            let plan = text(tx.page(&LIST, &request, "c.id", to_export(scope, &request)).await.unwrap());
            assert!(!plan.contains("USE TEMP B-TREE") && !plan.contains("SCAN c"), "{query}: {plan}");
            assert!(plan.starts_with("SEARCH c USING INDEX"), "{query}: {plan}");
        }
    }
}

#[tokio::test]
async fn b4_one_customer_is_found_by_an_index() {
    static FOUND: [(&str, Sql<4, Step>); 6] = [
        ("id", explained(one!("c.id"))),
        ("number", explained(one!("c.customer_id"))),
        ("user", explained(one!("c.user_id"))),
        ("old number", explained(one!("u.legacy_user_id"))),
        ("name", explained(one!("u.username"))),
        ("address", explained(one!("u.email_key"))),
    ];
    let app = sqlite().await;
    let mut tx = app.system().read().await.unwrap();
    for (what, statement) in &FOUND {
        let plan = text(tx.all(statement, args!["x", true, None::<Uuid>, None::<Uuid>]).await.unwrap());
        assert!(!plan.contains("SCAN"), "{what}: {plan}");
    }
}
