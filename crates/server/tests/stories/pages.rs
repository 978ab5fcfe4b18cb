//! The pages for people: the start page, the pages behind the links in mails, the documents inside the binary, and where
//! a wrong address leads. That the script of a page does what it says is looked at in a browser (`scripts/browser`).

use std::collections::HashSet;

use reqwest::Method;

use crate::client::{Client, Reply};
use crate::deployment::{Deployment, on_both_engines};

/// What Chromium and Firefox send.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";

async fn browse(client: &Client, path: &str) -> Reply {
    client.ask(Method::GET, path, &[("accept", BROWSER)]).await
}

/// What every page for a browser keeps to.
fn check_page(reply: &Reply) {
    let (what, text) = (reply.what(), &reply.text);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{what}");
    assert_eq!(reply.header("referrer-policy"), "no-referrer", "{what}");
    let policy = reply.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
        "{what}: {policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    assert_eq!(reply.header("set-cookie"), "", "{what}");
    assert!(text.contains("<html lang=\"") && text.contains("name=\"viewport\""), "{what}");
    // The policy would refuse them, silently.
    assert!(!text.contains(" style=") && !text.contains("<style") && !text.contains("onclick"), "{what}");
    for script in text.split("<script").skip(1) {
        assert!(script.starts_with(" src=\""), "{what} has a script inside");
    }
    for address in
        addresses(text, "src=\"").into_iter().chain(addresses(text, "<link rel=\"stylesheet\" href=\""))
    {
        assert!(address.starts_with('/'), "{what} loads {address}");
    }
}

fn addresses(text: &str, before: &str) -> Vec<String> {
    text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Follows every link of a page that stays on this server, and those of the pages behind.
async fn follow_all(client: &Client, from: &str) -> HashSet<String> {
    let (mut seen, mut waiting) = (HashSet::new(), vec![from.to_owned()]);
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let reply = browse(client, &path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        if !reply.header("content-type").starts_with("text/html") || path == "/docs" {
            continue;
        }
        check_page(&reply);
        let links = addresses(&reply.text, "href=\"").into_iter().chain(addresses(&reply.text, "src=\""));
        let links = links.filter(|link| link.starts_with('/'));
        waiting.extend(links.map(|link| link.split('#').next().unwrap().to_owned()));
    }
    seen
}

#[tokio::test]
async fn the_address_in_the_announcement_leads_everywhere() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let client = server.client();
        assert!(server.said.contains(&format!("http://{}/\n", server.address())), "{}", server.said);
        let seen = follow_all(&client, "/").await;
        for path in
            ["/docs", "/openapi.json", "/docs/conventions", "/docs/configuration", "/health", "/favicon.ico"]
        {
            assert!(seen.contains(path), "{path} is not linked: {seen:?}");
        }
        // Programs get an index, whose paths all answer.
        for accept in ["*/*", "application/json", "text/html;q=0.5, application/json"] {
            let reply = client.ask(Method::GET, "/", &[("accept", accept)]).await;
            assert_eq!(reply.header("content-type"), "application/json", "{accept}");
            assert!(reply.header("vary").contains("accept"), "{}", reply.header("vary"));
        }
        let index = client.get("/").await.expect(200);
        for name in ["documentation", "openapi", "health", "livez", "readyz", "metrics", "jwks"] {
            let path = index[name].as_str().unwrap_or_else(|| panic!("{name} in {index}"));
            client.get(path).await.expect(200);
        }
        assert_eq!(index["version"], env!("CARGO_PKG_VERSION"));
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_start_page_names_the_first_steps_until_they_are_done_and_to_nobody_else() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let client = server.client();
        let page = browse(&client, "/").await;
        assert!(
            page.text.contains("admin create --email") && page.text.contains("api-key create"),
            "{}",
            page.text
        );
        // Through a proxy the same machine asks, and somebody else reads.
        let sent = [("accept", BROWSER), ("x-forwarded-for", "192.0.2.7")];
        let foreign = client.ask(Method::GET, "/", &sent).await;
        assert_eq!(foreign.status, 200);
        let data = deployment.data();
        for secret in ["admin create", "api-key create", "no administrator", data.to_str().unwrap()] {
            assert!(!foreign.text.contains(secret), "{secret}");
        }
        let args = ["admin", "create", "--email", "boss@example.com", "--password-stdin"];
        assert_eq!(deployment.run(&args, "a long enough sentence\n").await.code, Some(0));
        let page = browse(&client, "/").await;
        assert!(!page.text.contains("admin create --email") && page.text.contains("api-key create"));
        deployment.api_key("admin", "first").await;
        assert!(!browse(&client, "/").await.text.contains("First steps"));
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_address_leads_on() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let client = server.client();
        for (path, to) in [
            ("/swagger", "/docs"),
            ("/api/docs/", "/docs"),
            ("/swagger.json", "/openapi.json"),
            ("/admin", "/#console"),
            ("/console/", "/#console"),
        ] {
            let reply = client.ask(Method::GET, path, &[("accept", BROWSER)]).await;
            assert_eq!((reply.status, reply.header("location")), (307, to), "{path}");
        }
        let page = browse(&client, "/nothing/of-yours").await;
        assert_eq!(page.status, 404);
        check_page(&page);
        assert!(page.text.contains("href=\"/\"") && !page.text.contains("of-yours"), "{}", page.text);
        let sent = [("accept", BROWSER), ("accept-language", "es-AR,es;q=0.9,en;q=0.5")];
        let page = client.ask(Method::GET, "/nothing", &sent).await;
        assert!(page.text.contains("<html lang=\"es\">") && page.text.contains("No existe"), "{}", page.text);
        // Programs get what they always get, whatever their HTTP library asks for below /api.
        client.get("/nothing").await.expect_error(404, "ROUTE_NOT_FOUND");
        browse(&client, "/api/v1/nothing").await.expect_error(404, "ROUTE_NOT_FOUND");
        client.post("/nothing", serde_json::json!({})).await.expect_error(404, "ROUTE_NOT_FOUND");
        client.post("/", serde_json::json!({})).await.expect_error(405, "METHOD_NOT_ALLOWED");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn files_of_pages_are_asked_for_once() {
    let deployment = Deployment::new(database::Engine::Sqlite).await;
    let server = deployment.serve(&[]).await;
    let client = server.client();
    for (path, kind) in [
        ("/favicon.ico", "image/x-icon"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/pages.css", "text/css; charset=utf-8"),
        ("/assets/mail-link.js", "text/javascript; charset=utf-8"),
    ] {
        let reply = client.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, kind), "{path}");
        let again = client.ask(Method::GET, path, &[("if-none-match", reply.header("etag"))]).await;
        assert_eq!(again.status, 304, "{path}");
    }
    server.stop().await;
    deployment.end().await;
}

/// What a process does not serve has no page, and what is turned off is not linked.
#[tokio::test]
async fn pages_follow_what_the_process_serves() {
    let deployment = Deployment::new(database::Engine::Sqlite).await;
    std::fs::write(deployment.folder().join("regulars.toml"), "[docs]\nenabled = false\n").unwrap();
    let server = deployment.serve(&["--services", "customers"]).await;
    let client = server.client();
    let seen = follow_all(&client, "/").await;
    assert!(!seen.iter().any(|path| path.starts_with("/docs") || path.starts_with("/openapi")), "{seen:?}");
    assert_eq!(browse(&client, "/docs/conventions").await.status, 404);
    assert_eq!(browse(&client, "/account/verify").await.status, 404);
    assert_eq!(client.ask(Method::GET, "/swagger", &[]).await.header("location"), "/");
    assert!(client.get("/").await.expect(200)["openapi"].is_null());
    server.stop().await;
    deployment.end().await;
}

#[tokio::test]
async fn the_page_behind_a_mailed_link_does_nothing_by_itself() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let client = server.client();
        let registered = client.register("new@example.com").await;
        let me = client.with(registered["tokens"]["access"].as_str().unwrap());
        for (path, button) in [
            ("/account/verify", "Confirm address"),
            ("/account/claim", "Set password"),
            ("/account/email", "Use this address"),
        ] {
            let page = browse(&client, path).await;
            assert_eq!(page.status, 200, "{path}");
            check_page(&page);
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            assert!(page.text.contains(button) && page.text.contains("<noscript>"), "{path}: {}", page.text);
            let sent = [("accept", BROWSER), ("accept-language", "es")];
            let spanish = client.ask(Method::GET, path, &sent).await;
            assert!(spanish.text.contains("<html lang=\"es\">") && !spanish.text.contains(button), "{path}");
            // What a mail scanner does with the whole address, as far as a server can see.
            client.ask(Method::HEAD, path, &[]).await.expect(200);
        }
        let user = me.get("/api/auth/profile").await.expect(200);
        assert_eq!(user["email_verified"], false);
        server.stop().await;
    })
    .await;
}

/// What `--help` points to is there for somebody who has nothing but the binary.
#[tokio::test]
async fn documents_are_printed() {
    let deployment = Deployment::new(database::Engine::Sqlite).await;
    let list = deployment.run(&["docs"], "").await;
    assert_eq!(list.code, Some(0), "{}", list.err);
    for line in list.out.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        let printed = deployment.run(&["docs", name], "").await;
        assert!(printed.code == Some(0) && printed.out.starts_with("# "), "{name}: {}", printed.err);
    }
    let help = deployment.run(&["--help"], "").await;
    assert!(help.out.contains("regulars docs configuration"), "{}", help.out);
    let unknown = deployment.run(&["docs", "configuratoin"], "").await;
    assert!(unknown.code == Some(1) && unknown.err.contains("configuration"), "{}", unknown.err);
    assert!(!deployment.data().exists(), "reading makes no database");
    deployment.end().await;
}
