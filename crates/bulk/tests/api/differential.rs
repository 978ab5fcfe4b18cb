//! Random operations, the same on both engines: what is stored twice agrees with what it is made of, and
//! everything that can be asked is answered alike.
//!
//! Rows of the endpoints and promises: A8, A14, A49, A50, A53, C7.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use customers::customer::model::{Tags, country_code, postal_key};
use customers::search::service::index;
use customers::statistics::service as statistics;
use database::{row, sql};
use fixtures::{key, ledger, path};
use identity::users::model::{Email, Phone};
use kernel::TextValue;
use kernel::text::search_key;
use platform::jobs::Progress;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Map, Value, json};

use crate::common::features;

/// What is tried at each run. A night may try more: `REGULARS_TEST_OPERATIONS=3000 REGULARS_TEST_SEED=7 scripts/test differential`.
const OPERATIONS: u64 = 400;
/// Which ones.
const SEED: u64 = 20_260_528;

/// A number of the environment.
fn number(name: &str, usual: u64) -> u64 {
    let Some(text) = std::env::var_os(name) else { return usual };
    text.to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} is a number above 0"))
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn pick(&mut self, values: &Value) -> Value {
        let values = values.as_array().unwrap();
        values[self.below(values.len())].clone()
    }

    /// Some of the members that a customer has.
    fn members(&mut self, pool: &Map<String, Value>, one_in: usize) -> Map<String, Value> {
        let mut members = Map::new();
        for (name, values) in pool {
            if self.below(one_in) == 0 {
                members.insert(name.clone(), self.pick(values));
            }
        }
        members
    }
}

/// What members become. The last birth date is refused.
fn pool() -> Map<String, Value> {
    let pool = json!({
        "address_line1": ["Calle 1", "1 Main St", null],
        "city": ["Bogotá", "BOGOTA", "Lima", "New York", "São Paulo", "Ñuñoa", null],
        "state": ["NY", "Azuay", "São Paulo", "ny", null],
        "postal_code": ["10001", "SW1A 1AA", "sw1a1aa", "100-8111", "１００８１１１", "1000 1", null],
        "country": ["USA", "United States", "Peru", "Perú", "Atlantis", "DE", null],
        "date_of_birth": ["1990-01-15", "1985-02-28", "2001-12-31", null, "2999-01-01"],
        "gender": ["male", "female", "other", null],
        "company_name": ["Tech Corp", "Ferretería Ñandú", null],
        "tax_id": ["T-1", null],
        "notes": ["Called twice", null],
        "tags": ["vip", "VIP,new", "Café", "new,cafe,gold", ["a b", "c"], ""],
        "marketing_emails": [true, false],
        "marketing_sms": [true, false],
        "preferred_contact_method": ["email", "sms", "phone"],
        "metadata": [{"a": 1}, {"b": {"c": [1, 2]}}, null],
        "phone": ["+1-555-0123", "+57 300 123 4567", "(212) 555-0142"],
        "first_name": ["Ana", "José", "Łucja", "Zoë"],
        "last_name": ["Mora", "O'Neil", "Ñúñez", "Müller"],
    });
    pool.as_object().unwrap().clone()
}

/// One process, and its customers in the order of their creation.
struct World<'a> {
    app: &'a TestApp,
    key: String,
    customers: Vec<Value>,
    numbers: HashMap<String, usize>,
}

impl World<'_> {
    fn know(&mut self, customer: Value) {
        self.numbers.insert(customer["customer_id"].as_str().unwrap().to_owned(), self.customers.len());
        self.customers.push(customer);
    }

    async fn get(&self, path: &str) -> Value {
        self.app.get(path).bearer(&self.key).send().await.expect(200)
    }

    /// A customer without what is random.
    fn plain(&self, mut customer: Value) -> Value {
        let members = customer.as_object_mut().unwrap();
        let number = members.shift_remove("customer_id").unwrap();
        members.insert("n".to_owned(), self.numbers[number.as_str().unwrap()].into());
        for name in ["id", "user_id", "username"] {
            members.shift_remove(name);
        }
        customer
    }

    /// Who is in a list, in order, and how many there are.
    fn listed(&self, list: &Value) -> Value {
        let rows = list["customers"].as_array().unwrap().iter();
        let rows: Vec<usize> = rows.map(|c| self.numbers[c["customer_id"].as_str().unwrap()]).collect();
        json!([rows, list["total"]])
    }

    /// Does one of the operations, and says what came of it.
    async fn operate(&mut self, n: usize, dice: &mut Dice) -> String {
        self.app.advance(Duration::from_secs(61));
        let pool = pool();
        let whom = if self.customers.is_empty() { None } else { Some(dice.below(self.customers.len())) };
        let what = dice.below(100);
        let (Some(whom), true) = (whom, what >= 25) else { return self.create(n, dice).await };
        let one = self.customers[whom].clone();
        let (app, key) = (self.app, self.key.clone());
        let post = |rest: &str| app.post(path(&one, rest)).bearer(&key);
        let reply = match what {
            25..50 => {
                let mut body = dice.members(&pool, 8);
                if dice.below(6) == 0 {
                    body.insert("email".to_owned(), format!("P{}@Example.com", dice.below(60)).into());
                }
                app.patch(path(&one, "")).bearer(&key).json(body).send().await
            }
            50..60 => {
                let ids: Vec<Value> =
                    (0..3).map(|_| self.customers[dice.below(self.customers.len())]["id"].clone()).collect();
                let body = json!({"customer_ids": ids, "updates": dice.members(&pool, 9)});
                app.post("/api/v1/customers/bulk-update").bearer(&key).json(body).send().await
            }
            60..66 => return self.by_filter(dice).await,
            66..68 => post("/verify").send().await,
            68..70 => post("/deactivate").send().await,
            70..72 => app.patch(path(&one, "/verify-phone")).bearer(&key).send().await,
            72..74 => app.patch(path(&one, "/verify-email")).bearer(&key).send().await,
            74..78 => post("/increment_service").send().await,
            78..82 => app.delete(path(&one, "")).bearer(&key).send().await,
            82..86 => post("/activate").send().await,
            86..89 => app.patch(path(&one, "/last-login")).bearer(&key).send().await,
            89..92 => app.delete(path(&one, "/hard")).bearer(&key).send().await,
            _ => return self.import(n, dice).await,
        };
        format!("{what} {whom} {} {}", reply.status, reply.json()["error_code"])
    }

    async fn create(&mut self, n: usize, dice: &mut Dice) -> String {
        let mut body = dice.members(&pool(), 3);
        for (name, usual) in [("first_name", "Ada"), ("last_name", "Byron")] {
            body.entry(name).or_insert(usual.into());
        }
        // Now and then the address of somebody else.
        let email = if dice.below(10) == 0 { dice.below(n + 1) } else { n };
        body.insert("email".to_owned(), format!("e{email}@example.com").into());
        body.insert("external_id".to_owned(), format!("X-{email}").into());
        let reply = self.app.post("/api/v1/customers/").bearer(&self.key).json(body).send().await;
        if reply.status == 201 {
            self.know(reply.json());
        }
        format!("create {} {}", reply.status, reply.json()["error_code"])
    }

    async fn by_filter(&mut self, dice: &mut Dice) -> String {
        let filters = json!([
            {"city": "bogota"}, {"tag": "vip"}, {"country": "US"}, {"postal_code": "10001"}, {"is_active": false},
            {"gender": "female"}, {"is_business_customer": true}, {"state": "ny", "country": "usa"}
        ]);
        let mut updates = dice.members(&pool(), 9);
        updates.insert("notes".to_owned(), format!("Bulk {}", dice.below(9)).into());
        let body = json!({"filter": dice.pick(&filters), "updates": updates});
        let reply = self.app.post("/api/v1/customers/bulk-update").bearer(&self.key).json(body).send().await;
        self.job(reply.json()).await
    }

    async fn job(&self, accepted: Value) -> String {
        self.app.run_jobs().await;
        let Some(id) = accepted["id"].as_str() else { return accepted["error_code"].to_string() };
        let job = self.get(&format!("/api/v1/jobs/{id}")).await;
        format!("{} {}", job["state"], job["progress"])
    }

    /// Two rows about somebody who may be there, and one that is new.
    async fn import(&mut self, n: usize, dice: &mut Dice) -> String {
        let mut file = String::new();
        for key in ["email", "external_id"] {
            let mut row = dice.members(&pool(), 5);
            let of = dice.below(n + 1);
            let value = if key == "email" { format!("E{of}@example.com") } else { format!("X-{of}") };
            row.insert(key.to_owned(), value.into());
            file += &format!("{}\n", Value::Object(row));
        }
        let mut row = dice.members(&pool(), 3);
        row.extend([("first_name".to_owned(), json!("Ina")), ("last_name".to_owned(), json!("Import"))]);
        row.insert("email".to_owned(), format!("i{n}@example.com").into());
        file += &format!("{}\n", Value::Object(row));
        let mode = ["update", "upsert"][dice.below(2)];
        let sent = self.app.post(format!("/api/v1/customers/import?mode={mode}")).bearer(&self.key);
        let accepted = sent.body("application/x-ndjson", file).send().await.expect(202);
        let done = self.job(accepted).await;
        // Some of the rows about somebody who is not there have all that a creation needs.
        let newest = self.get("/api/v1/customers/?sort=-created_at&limit=3").await;
        let is_new = |c: &&Value| !self.numbers.contains_key(c["customer_id"].as_str().unwrap());
        let mut new: Vec<Value> =
            newest["customers"].as_array().unwrap().iter().filter(is_new).cloned().collect();
        new.sort_by_key(|c| format!("{} {}", c["email"], c["external_id"]));
        new.into_iter().for_each(|customer| self.know(customer));
        format!("import {mode} {done}")
    }

    /// Everything that can be asked, with its answer.
    async fn answers(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for query in lists() {
            let list = self.get(&format!("/api/v1/customers/?limit=1000&{query}")).await;
            all.push((query, self.listed(&list)));
        }
        // By what each has of its own, and is drawn.
        for (n, one) in self.customers.iter().enumerate().step_by(5) {
            for name in OWN {
                let list =
                    self.get(&format!("/api/v1/customers/?{name}={}", one[name].as_str().unwrap())).await;
                all.push((format!("{name} of {n}"), self.listed(&list)));
            }
        }
        all.push(("every page".to_owned(), self.pages("sort=-city,last_name").await));
        all.push(("events".to_owned(), self.events().await));
        for query in ["", "state=done", "state=failed", "kind=import", "kind=bulk_update"] {
            let list = self.get(&format!("/api/v1/jobs?limit=1000&{query}")).await;
            let jobs = list["jobs"].as_array().unwrap().iter();
            let jobs: Vec<_> = jobs.map(|job| json!([job["kind"], job["state"], job["progress"]])).collect();
            all.push((format!("jobs {query}"), json!([jobs, list["total"]])));
        }
        for place in ["city=bogota", "postal_code=SW1A1AA", "country=usa&state=NY", "country=Atlantis"] {
            let list = self.get(&format!("/api/v1/customers/location/search?limit=1000&{place}")).await;
            all.push((place.to_owned(), self.listed(&list)));
        }
        for tags in ["vip", "vip,cafe", "new,cafe?match=all", "a%20b,gold"] {
            let list = self.get(&format!("/api/v1/customers/tags/{tags}")).await;
            all.push((tags.to_owned(), self.listed(&list)));
        }
        for figures in [
            "stats",
            "statistics/overview?top=3",
            "tags?counts=true",
            "available/countries?counts=true",
            "available/states?country=US&counts=true",
            "available/cities?country=PE&counts=true",
            "available/cities?counts=true",
        ] {
            let path = format!("/api/v1/customers/{figures}").replace("tags?counts=true", "tags");
            all.push((figures.to_owned(), self.get(&path).await));
        }
        all.extend(self.searches().await);
        let export = self.app.get("/api/v1/customers/export?format=ndjson").bearer(&self.key).send().await;
        for line in export.text().lines() {
            all.push(("export".to_owned(), self.plain(serde_json::from_str(line).unwrap())));
        }
        all
    }

    /// A whole list, cursor by cursor.
    async fn pages(&self, query: &str) -> Value {
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("/api/v1/customers/?limit=7&{query}{next}")).await;
            seen.push(self.listed(&page)[0].clone());
            let Some(cursor) = page["next_cursor"].as_str() else { return seen.into() };
            next = format!("&cursor={cursor}");
        }
    }

    /// What happened, in order.
    async fn events(&self) -> Value {
        let mut tx = self.app.system().read().await.unwrap();
        let actions = tx.all(sql!("SELECT action FROM event ORDER BY seq" => String), []).await.unwrap();
        actions.into()
    }

    async fn searches(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for body in [
            json!({"query": "ana mora"}),
            json!({"query": "bogota"}),
            json!({"query": "jose", "country": "US"}),
            json!({"query": "nunez", "sort": "-created_at"}),
            json!({"query": "555"}),
            json!({"query": "3001234567"}),
            json!({"query": "X-1"}),
            json!({"query": "example", "is_active": true}),
            json!({"query": "byrno"}),
            json!({"city": "bog", "sort": "email"}),
            json!({"email": "p1", "tags": "vip,gold"}),
            json!({"phone": "0123", "is_verified": false}),
            json!({"company_name": "nandu"}),
            json!({"postal_code": "1000-1", "gender": "female"}),
            json!({"tags": ["new", "cafe"], "tags_match": "all"}),
        ] {
            let mut asked = body.clone();
            asked["limit"] = json!(1000);
            let reply = self.app.post("/api/v1/customers/search").bearer(&self.key).json(asked).send().await;
            all.push((body.to_string(), self.listed(&reply.expect(200))));
        }
        all
    }
}

/// Filters by what each customer has of its own.
const OWN: [&str; 3] = ["username", "customer_id", "user_id"];

/// Every sort and every filter of the list: a new one stops here until it has its values.
fn lists() -> Vec<String> {
    let mut all = vec![String::new()];
    let spec = &customers::tags::service::list::SPEC;
    let sorts = spec.sorts.iter().map(|sort| sort.name).filter(|name| !OWN.contains(name));
    for sort in sorts.chain(["city,-last_name"]) {
        all.extend([format!("sort={sort}"), format!("sort=-{sort}")]);
    }
    for (filter, values) in [
        ("city", &["Bogota", "lima", "S%C3%A3o%20Paulo", "nunoa"][..]),
        ("state", &["ny", "azuay"]),
        ("postal_code", &["10001", "SW1A1AA", "1008111"]),
        ("country", &["US", "Peru", "Atlantis", "Germany"]),
        ("tag", &["vip", "cafe", "a%20b", "nobody"]),
        ("gender", &["male", "female", "other"]),
        ("company_name", &["Tech%20Corp"]),
        ("is_active", &["true", "false"]),
        ("is_verified", &["true", "false"]),
        ("email_verified", &["true", "false"]),
        ("phone_verified", &["true", "false"]),
        ("is_business_customer", &["true", "false"]),
        ("email", &["e1@example.com", "P2@EXAMPLE.COM"]),
        ("external_id", &["X-2"]),
        ("created_after", &["2026-05-28T21:00:00Z"]),
        ("created_before", &["2026-05-28T21:00:00Z"]),
        ("q", &["ana", "mor", "gold"]),
    ] {
        all.extend(values.iter().map(|value| format!("{filter}={value}")));
    }
    for filter in spec.filters {
        let asked = all.iter().any(|query| query.starts_with(&format!("{}=", filter.name)));
        let is_elsewhere = OWN.contains(&filter.name) || filter.name == "match";
        assert!(asked || is_elsewhere, "a query for the filter {}", filter.name);
    }
    for both in [
        "city=bogota&country=US",
        "tag=vip&is_active=true&sort=email",
        "gender=female&is_business_customer=true",
    ] {
        all.push(both.to_owned());
    }
    all
}

row! {
    struct Stored {
        email: Option<String>, email_key: Option<String>, phone: Option<String>, phone_digits: Option<String>,
        first_name: String, last_name: String, name_key: String,
        city: Option<String>, city_key: Option<String>, state: Option<String>, state_key: Option<String>,
        postal_code: Option<String>, postal_key: Option<String>, country: Option<String>, country_code: Option<String>,
        tags: String, rows: String,
    }
}

/// Compares every derived column with what it is made of.
async fn check_derived(app: &TestApp) {
    let mut tx = app.system().read().await.unwrap();
    let rows = sql!(
        sqlite: "SELECT u.email, u.email_key, u.phone, u.phone_digits, u.first_name, u.last_name, u.name_key, c.city,
                   c.city_key, c.state, c.state_key, c.postal_code, c.postal_key, c.country, c.country_code, c.tags,
                   coalesce((SELECT group_concat(t.name_key, ',') FROM customer_tag x JOIN tag t ON t.id = x.tag_id
                             WHERE x.customer_id = c.id), '') AS rows
                 FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL",
        postgres: "SELECT u.email, u.email_key, u.phone, u.phone_digits, u.first_name, u.last_name, u.name_key, c.city,
                     c.city_key, c.state, c.state_key, c.postal_code, c.postal_key, c.country, c.country_code, c.tags,
                     coalesce((SELECT string_agg(t.name_key, ',') FROM customer_tag x JOIN tag t ON t.id = x.tag_id
                               WHERE x.customer_id = c.id), '') AS rows
                   FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL" => Stored
    );
    let rows = tx.all(rows, []).await.unwrap();
    assert!(rows.len() > 10, "{} customers", rows.len());
    for r in rows {
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        let key = |text: &Option<String>| text.as_deref().map(search_key);
        assert_eq!(r.email_key, r.email.as_deref().map(|e| Email::parse(e).unwrap().key().to_owned()));
        assert_eq!(r.phone_digits, r.phone.as_deref().map(|p| Phone::parse(p).unwrap().digits().to_owned()));
        assert_eq!(r.name_key, search_key(&format!("{} {}", r.last_name, r.first_name)));
        assert_eq!((r.city_key, r.state_key), (key(&r.city), key(&r.state)));
        assert_eq!(r.postal_key, r.postal_code.as_deref().map(postal_key), "{:?}", r.postal_code);
        assert_eq!(r.country_code.as_deref(), r.country.as_deref().and_then(country_code), "{:?}", r.country);
        let tags = Tags::parse(&r.tags).unwrap().iter().map(|tag| tag.key()).collect();
        let rows = r.rows.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        assert_eq!(sorted(rows), sorted(tags), "{}", r.tags);
    }
    drop(tx);
    let drift = statistics::reconcile(&app.system()).await.unwrap();
    assert!(drift.is_empty(), "{drift:?}");
}

/// The flags of consent are the last words of the ledger.
async fn check_consents(world: &World<'_>) {
    let list = world.get("/api/v1/customers/?limit=1000").await;
    for customer in list["customers"].as_array().unwrap() {
        let said = ledger(world.app, customer).await;
        for purpose in ["marketing_emails", "marketing_sms"] {
            let last = said.iter().rev().find(|entry| entry.0 == purpose).map(|entry| entry.1);
            assert_eq!(last.map(Value::Bool).as_ref(), Some(&customer[purpose]), "{purpose} {said:?}");
        }
    }
}

#[tokio::test]
async fn c7_random_operations_leave_both_engines_alike() {
    let seen: RefCell<Option<Vec<(String, Value)>>> = RefCell::default();
    let (seed, operations) =
        (number("REGULARS_TEST_SEED", SEED), number("REGULARS_TEST_OPERATIONS", OPERATIONS));
    eprintln!("REGULARS_TEST_SEED={seed} REGULARS_TEST_OPERATIONS={operations}");
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let mut world = World { app, key, customers: Vec::new(), numbers: HashMap::new() };
        let mut dice = Dice(seed);
        let mut told = Vec::new();
        for n in 0..usize::try_from(operations).unwrap() {
            told.push((format!("operation {n}"), world.operate(n, &mut dice).await.into()));
        }
        app.run_jobs().await;
        check_derived(app).await;
        check_consents(&world).await;
        let answers = world.answers().await;
        told.extend(answers);
        // The index made anew answers as the one that followed every change.
        let before = world.searches().await;
        let mut tx = app.system().write().await.unwrap();
        tx.exec(sql!("UPDATE search_entry SET version = 0"), []).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(index::fill(&app.system()).await.unwrap(), Progress::Done);
        assert_eq!(world.searches().await, before);
        let Some(first) = seen.replace(None) else {
            seen.replace(Some(told));
            return;
        };
        for (one, other) in first.iter().zip(&told) {
            assert_eq!(one, other, "the first is what SQLite says");
        }
        assert_eq!(first.len(), told.len());
    })
    .await;
}
