//! What the load consists of: for each scenario the requests of one connection, one after the other.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Call, Connection};
use crate::people::{Dice, Person, TAGS, created_at, customer_id};
use crate::server::{ADMIN_EMAIL, PASSWORD};

/// Numbers that each connection has for the people it creates.
const PEOPLE_PER_CONNECTION: u64 = 10_000_000;

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// `/livez`: what the stack costs without any work.
    Static,
    /// A random customer, with an API key.
    Get,
    /// A random customer, with an access token (JWT).
    GetToken,
    /// The first page of 20.
    List,
    /// Pages of 20 by cursor, from the middle on.
    ListDeep,
    /// The first page of 100.
    #[value(name = "list-100")]
    ListHundred,
    /// A page of 100 at an offset of three quarters of all.
    ListOffsetDeep,
    /// A page of 100 at any offset.
    ListOffset,
    /// A first and a last name.
    SearchName,
    /// Some letters and digits from the middle of an address.
    SearchEmail,
    /// The last six digits of a phone number.
    SearchPhone,
    /// A name with two letters in the wrong order.
    SearchMisspelt,
    /// What nobody has.
    SearchNone,
    /// A last name, among those who were created in the older half of the time.
    SearchDate,
    /// The figures of all customers.
    Statistics,
    /// The first page of the customers of a city.
    Location,
    /// The first page of the customers with a tag.
    Tag,
    /// A new customer.
    Create,
    /// Another address for a random customer.
    Patch,
    /// Logging in: dominated by the password hash.
    Login,
    /// A new pair of tokens, each with the token of the one before.
    Refresh,
}

impl Scenario {
    /// All, in the order in which they run: those that write come last, so that the others see the built data.
    pub const ALL: [Scenario; 21] = [
        Scenario::Static,
        Scenario::Get,
        Scenario::GetToken,
        Scenario::List,
        Scenario::ListDeep,
        Scenario::ListHundred,
        Scenario::ListOffsetDeep,
        Scenario::ListOffset,
        Scenario::SearchName,
        Scenario::SearchEmail,
        Scenario::SearchPhone,
        Scenario::SearchMisspelt,
        Scenario::SearchNone,
        Scenario::SearchDate,
        Scenario::Statistics,
        Scenario::Location,
        Scenario::Tag,
        Scenario::Create,
        Scenario::Patch,
        Scenario::Refresh,
        Scenario::Login,
    ];

    /// As it is printed, and as `--only` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Static => "static",
            Scenario::Get => "get",
            Scenario::GetToken => "get-token",
            Scenario::List => "list",
            Scenario::ListDeep => "list-deep",
            Scenario::ListHundred => "list-100",
            Scenario::ListOffsetDeep => "list-offset-deep",
            Scenario::ListOffset => "list-offset",
            Scenario::SearchName => "search-name",
            Scenario::SearchEmail => "search-email",
            Scenario::SearchPhone => "search-phone",
            Scenario::SearchMisspelt => "search-misspelt",
            Scenario::SearchNone => "search-none",
            Scenario::SearchDate => "search-date",
            Scenario::Statistics => "statistics",
            Scenario::Location => "location",
            Scenario::Tag => "tag",
            Scenario::Create => "create",
            Scenario::Patch => "patch",
            Scenario::Login => "login",
            Scenario::Refresh => "refresh",
        }
    }

    /// The most processor time that the server may take per request on SQLite (SPEC 11); `hash` is that of
    /// one password hash.
    pub fn target(self, hash: Duration) -> Option<Duration> {
        match self {
            Scenario::Static
            | Scenario::ListHundred
            | Scenario::ListOffsetDeep
            | Scenario::ListOffset
            | Scenario::SearchDate => None,
            Scenario::Get | Scenario::GetToken => Some(Duration::from_micros(100)),
            Scenario::List | Scenario::ListDeep | Scenario::Refresh => Some(Duration::from_micros(500)),
            Scenario::SearchName | Scenario::SearchEmail | Scenario::SearchPhone => {
                Some(Duration::from_millis(5))
            }
            Scenario::SearchMisspelt => Some(Duration::from_millis(20)),
            Scenario::SearchNone => Some(Duration::from_micros(300)),
            Scenario::Statistics => Some(Duration::from_millis(1)),
            Scenario::Location | Scenario::Tag => Some(Duration::from_micros(1500)),
            Scenario::Create => Some(Duration::from_micros(400)),
            Scenario::Patch => Some(Duration::from_micros(300)),
            Scenario::Login => Some(hash + Duration::from_millis(1)),
        }
    }
}

/// What all connections share.
#[derive(Clone)]
pub struct World {
    pub address: SocketAddr,
    /// Number of customers that were built.
    pub customers: u64,
    pub api_key: String,
}

/// The requests of one connection.
pub struct Worker {
    world: World,
    scenario: Scenario,
    number: u64,
    dice: Dice,
    /// Requests so far.
    serial: u64,
    /// Access token, where the scenario uses one.
    access: String,
    /// Refresh token for the next refresh.
    refresh: String,
    /// Where deep paging begins, and where it is.
    deep: String,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Worker {
    /// Prepares one worker per connection; what a scenario needs beforehand (users, a cursor) is fetched here.
    pub async fn all(world: &World, scenario: Scenario, connections: u64) -> Result<Vec<Worker>> {
        let mut connection = Connection::open(world.address).await?;
        let mut access = String::new();
        let mut deep = String::new();
        match scenario {
            Scenario::GetToken => access = log_in(&mut connection, ADMIN_EMAIL).await?.access,
            Scenario::ListDeep => deep = walk(&mut connection, world).await?,
            _ => {}
        }
        let mut workers = Vec::new();
        for number in 0..connections {
            let mut refresh = String::new();
            if matches!(scenario, Scenario::Login | Scenario::Refresh) {
                refresh = user(&mut connection, number).await?.refresh;
            }
            workers.push(Worker {
                world: world.clone(),
                scenario,
                number,
                dice: Dice::new(number * 1_000_003 + scenario as u64),
                serial: 0,
                access: access.clone(),
                refresh,
                deep: deep.clone(),
                cursor: None,
            });
        }
        Ok(workers)
    }

    /// The server's address.
    pub fn address(&self) -> SocketAddr {
        self.world.address
    }

    /// The next request.
    pub fn call(&mut self) -> Call {
        self.serial += 1;
        let customer = self.random_customer();
        let key = Some(self.world.api_key.as_str());
        match self.scenario {
            Scenario::Static => Call::get("/livez", None),
            Scenario::Get => Call::get(customer, key),
            Scenario::GetToken => Call::get(customer, Some(&self.access)),
            Scenario::List => Call::get("/api/v1/customers/?limit=20", key),
            Scenario::ListDeep => {
                let cursor = self.cursor.as_ref().unwrap_or(&self.deep);
                Call::get(format!("/api/v1/customers/?limit=20&cursor={cursor}"), key)
            }
            Scenario::ListHundred => Call::get("/api/v1/customers/?limit=100", key),
            Scenario::ListOffsetDeep => {
                let offset = self.world.customers / 4 * 3;
                Call::get(format!("/api/v1/customers/?limit=100&offset={offset}"), key)
            }
            Scenario::ListOffset => {
                let offset = self.dice.below(self.world.customers);
                Call::get(format!("/api/v1/customers/?limit=100&offset={offset}"), key)
            }
            Scenario::SearchName
            | Scenario::SearchEmail
            | Scenario::SearchPhone
            | Scenario::SearchMisspelt
            | Scenario::SearchNone
            | Scenario::SearchDate => self.search(),
            Scenario::Statistics => Call::get("/api/v1/customers/statistics/overview", key),
            Scenario::Location => {
                let place = Person::number(self.dice.below(self.world.customers)).place;
                let (city, country) = (encode(place.city), encode(place.country));
                Call::get(format!("/api/v1/customers/location/search?city={city}&country={country}"), key)
            }
            Scenario::Tag => {
                let tag = self.dice.pick::<&str>(&TAGS);
                Call::get(format!("/api/v1/customers/tags/{}", encode(tag)), key)
            }
            Scenario::Create => {
                let n = self.world.customers + self.number * PEOPLE_PER_CONNECTION + self.serial;
                Call::send(Method::POST, "/api/v1/customers/", key, profile(&Person::number(n)))
            }
            Scenario::Patch => self.patch(customer),
            Scenario::Login => {
                let body = json!({"email": user_email(self.number), "password": PASSWORD});
                Call::send(Method::POST, "/api/auth/login/", None, body)
            }
            Scenario::Refresh => {
                Call::send(Method::POST, "/api/auth/token/refresh/", None, json!({"refresh": self.refresh}))
            }
        }
    }

    /// Takes from a good reply what the next request needs.
    pub fn learn(&mut self, body: &[u8]) -> Result<()> {
        match self.scenario {
            Scenario::ListDeep => self.cursor = serde_json::from_slice::<Page>(body)?.next_cursor,
            Scenario::Refresh => self.refresh = serde_json::from_slice::<Tokens>(body)?.refresh,
            _ => {}
        }
        Ok(())
    }

    fn random_customer(&mut self) -> String {
        format!("/api/v1/customers/{}/", customer_id(self.dice.below(self.world.customers)))
    }

    /// What somebody would type who looks for a random customer.
    fn search(&mut self) -> Call {
        let person = Person::number(self.dice.below(self.world.customers));
        let query = match self.scenario {
            Scenario::SearchEmail => {
                let local = person.email.split('@').next().unwrap_or_default();
                // Not the beginning of a word, and long enough to leave a page or two.
                let middle = local.split('.').next_back().unwrap_or_default();
                middle.chars().skip(2).collect()
            }
            Scenario::SearchPhone => {
                person.phone.chars().skip(person.phone.len().saturating_sub(6)).collect()
            }
            Scenario::SearchMisspelt => format!("{} {}", person.first_name, misspelt(person.last_name)),
            Scenario::SearchNone => format!("zqxv{}", self.serial),
            Scenario::SearchDate => person.last_name.to_owned(),
            _ => format!("{} {}", person.first_name, person.last_name),
        };
        let mut body = json!({"query": query, "page": 1, "limit": 10});
        if self.scenario == Scenario::SearchDate {
            let middle = created_at(self.world.customers / 2);
            let middle = jiff::Timestamp::from_microsecond(middle).unwrap_or_default();
            body["created_before"] = middle.to_string().into();
        }
        Call::send(Method::POST, "/api/v1/customers/search", Some(&self.world.api_key), body)
    }

    /// Always something else than what is stored, or nothing would be written.
    fn patch(&self, path: String) -> Call {
        let from = Person::number(self.serial * 31 + self.number);
        let line = format!("{} / {}-{}", from.address_line1, self.number, self.serial);
        let body = json!({"address_line1": line, "city": from.place.city, "postal_code": from.postal_code});
        Call::send(Method::PATCH, path, Some(&self.world.api_key), body)
    }
}

/// Two letters change places; a name too short for it has its last letter twice.
fn misspelt(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    match letters.len() {
        0..3 => letters.extend(letters.last().copied()),
        _ => letters.swap(1, 2),
    }
    letters.into_iter().collect()
}

/// A value as it stands in a path or a query.
fn encode(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn profile(person: &Person) -> Value {
    json!({
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "address_line1": person.address_line1,
        "city": person.place.city,
        "state": person.place.state,
        "postal_code": person.postal_code,
        "country": person.place.country,
        "date_of_birth": person.date_of_birth,
        "gender": person.gender,
        "marketing_emails": person.marketing_emails,
    })
}

fn user_email(number: u64) -> String {
    format!("bench-user-{number}@regulars.example")
}

/// The tokens of the user who belongs to a connection; the first scenario that needs it registers it.
async fn user(connection: &mut Connection, number: u64) -> Result<Tokens> {
    let email = user_email(number);
    let body = json!({
        "email": email, "first_name": "Bench", "last_name": "User",
        "password1": PASSWORD, "password2": PASSWORD,
    });
    let reply = connection.call(Call::send(Method::POST, "/api/auth/register/", None, body)).await?;
    if reply.status == 409 {
        return log_in(connection, &email).await;
    }
    tokens(&reply.json().context("registering a user")?)
}

async fn log_in(connection: &mut Connection, email: &str) -> Result<Tokens> {
    let body = json!({"email": email, "password": PASSWORD});
    let reply = connection.call(Call::send(Method::POST, "/api/auth/login/", None, body)).await?;
    tokens(&reply.json().context("logging in")?)
}

fn tokens(reply: &Value) -> Result<Tokens> {
    let tokens = reply.get("tokens").context("the reply has no tokens")?;
    Tokens::deserialize(tokens).context("tokens of an unexpected form")
}

/// The cursor of the middle of the list, found by walking there in large pages.
async fn walk(connection: &mut Connection, world: &World) -> Result<String> {
    let mut cursor = String::new();
    for _ in 0..(world.customers / 2000).max(1) {
        let limit = 1000.min(world.customers / 4).max(1);
        let after = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let path = format!("/api/v1/customers/?limit={limit}{after}");
        let reply = connection.call(Call::get(path, Some(&world.api_key))).await?.json()?;
        let next = reply.get("next_cursor").and_then(Value::as_str);
        cursor = next.context("the list ended before its middle")?.to_owned();
    }
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for scenario in Scenario::ALL {
            let value = clap::ValueEnum::to_possible_value(&scenario).unwrap();
            assert_eq!(value.get_name(), scenario.name());
        }
    }

    #[tokio::test]
    async fn each_refresh_uses_the_token_of_the_one_before() {
        let world = World { address: "127.0.0.1:1".parse().unwrap(), customers: 10, api_key: "k".into() };
        let mut worker = Worker {
            world,
            scenario: Scenario::Refresh,
            number: 0,
            dice: Dice::new(1),
            serial: 0,
            access: String::new(),
            refresh: "first".into(),
            deep: String::new(),
            cursor: None,
        };
        assert_eq!(worker.call().body.unwrap()["refresh"], "first");
        worker.learn(br#"{"access": "a", "refresh": "second"}"#).unwrap();
        assert_eq!(worker.call().body.unwrap()["refresh"], "second");
    }
}
