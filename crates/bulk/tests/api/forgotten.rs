//! What is left of a customer after `DELETE /api/v1/customers/{ref}/hard`, looked for in every table and every file.
//!
//! Rows of the endpoints and promises: A20; DOMAIN 6.10, erasure.

use std::path::Path;

use database::Target;
use fixtures::{key, path};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;
use crate::import::{by_email, import};

/// Words that nobody else has: of the address, the names of before and after, the number, and what was written about her.
const PERSONAL: [&str; 9] = [
    "dulcinea",
    "toboso.example",
    "quixanowitz",
    "lorenzini",
    "aldonza",
    "9871234",
    "rocinante",
    "barataria",
    "windmillstrasse",
];

/// Every row of every table as text, with the name of its table; bytes as text and in hexadecimal.
async fn everything(app: &TestApp) -> Vec<String> {
    match &app.db.options.target {
        Target::Sqlite(file) => everything_in_sqlite(file),
        Target::Postgres(url) => everything_in_postgres(url).await,
    }
}

fn everything_in_sqlite(file: &Path) -> Vec<String> {
    let db = rusqlite::Connection::open(file).unwrap();
    let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for name in names {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..columns).map(|i| match row.get_ref(i).unwrap() {
                rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                other => format!("{other:?}"),
            });
            all.push(format!("{name}: {}", cells.collect::<Vec<_>>().join(" | ")));
        }
    }
    all
}

async fn everything_in_postgres(url: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let names = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let mut all = Vec::new();
    for name in client.query(names, &[]).await.unwrap() {
        let name: String = name.get(0);
        let rows =
            client.query(&format!("SELECT row_to_json(t)::text FROM \"{name}\" t"), &[]).await.unwrap();
        all.extend(rows.into_iter().map(|row| format!("{name}: {}", row.get::<_, String>(0))));
    }
    drop(client);
    connection.await.unwrap().unwrap();
    all
}

/// Where one of the words stands.
async fn traces(app: &TestApp) -> Vec<String> {
    let hex = |word: &str| data_encoding::HEXLOWER.encode(word.as_bytes());
    let of_her = |row: &String| {
        let row = row.to_lowercase();
        // The words of a row that was deleted stay in the parts of SQLite's index until these are joined. They say nothing of
        // whose they were.
        if row.starts_with("customer_search_data: ") {
            return false;
        }
        PERSONAL.iter().any(|word| row.contains(word) || row.contains(&hex(word)))
    };
    everything(app).await.into_iter().filter(of_her).collect()
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let each = entries.map(|entry| entry.unwrap().path());
    each.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Somebody with a login, who was imported, changed one by one and in bulk, photographed, searched for and exported.
async fn busy_customer(app: &TestApp, key: &str) -> Value {
    let email = "dulcinea@toboso.example";
    let body = json!({"email": email, "first_name": "Aldonza", "last_name": "Quixanowitz", "phone_number": "+1 555 987 1234",
                      "password1": "Pass123!", "password2": "Pass123!"});
    let token =
        app.post("/api/auth/register/").json(body).send().await.expect(201)["tokens"]["access"].clone();
    let head = "email,first_name,last_name,phone,address,notes,tags,external_id,metadata.land";
    let row = format!(
        "{email},Aldonza,Quixanowitz,+1 555 987 1234,1 Windmillstrasse,Rocinante,dama,E-lorenzini,Barataria"
    );
    let wrong = "dulcinea@toboso.example@,Aldonza,Quixanowitz,dulcinea 9871234,,,,,";
    import(app, key, "?mode=upsert&dry_run=true", format!("{head}\n{row}\n{wrong}\n")).await;
    let (job, report) = import(app, key, "?mode=upsert", format!("{head}\n{row}\n{row}\n{wrong}\n")).await;
    assert_eq!(
        (&job["progress"]["created"], &job["progress"]["failed"]),
        (&json!(1), &json!(1)),
        "{report:?}"
    );
    import(app, key, "?mode=update", format!("email,last_name,customer_id\n{email},Lorenzini,\n")).await;
    import(app, key, "?mode=create", format!("{head}\n{row}\n")).await;
    let one = by_email(app, key, email).await.expect(200);
    assert_eq!(one["last_name"], "Lorenzini");
    let ids = json!([one["customer_id"]]);
    for (n, body) in [
        json!({"customer_ids": ids, "updates": {"notes": "Rocinante, a horse"}}),
        json!({"filter": {"email": email}, "updates": {"metadata": {"isle": "Barataria"}}}),
    ]
    .iter()
    .enumerate()
    {
        let request =
            app.post("/api/v1/customers/bulk-update").bearer(key).header("idempotency-key", &format!("b{n}"));
        assert!(request.json(body).send().await.status.is_success());
    }
    app.run_jobs().await;
    let change = json!({"email": "dulcinea2@toboso.example"});
    app.patch(path(&one, ""))
        .bearer(key)
        .header("idempotency-key", "p")
        .json(change)
        .send()
        .await
        .expect(200);
    if let Some(token) = token.as_str() {
        app.get("/api/auth/profile/").bearer(token).send().await;
    }
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(80, 80).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let picture = picture.into_inner();
    app.put(path(&one, "/avatar")).bearer(key).body("image/png", picture).send().await.expect(200);
    app.post("/api/v1/customers/search")
        .bearer(key)
        .json(json!({"query": "lorenzini"}))
        .send()
        .await
        .expect(200);
    app.get(format!("/api/v1/customers/export?email={email}")).bearer(key).send().await.expect(200);
    app.post("/api/auth/password-reset/").json(json!({"email": email})).send().await;
    one
}

#[tokio::test]
async fn a20_no_table_and_no_file_knows_an_erased_customer() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = busy_customer(app, &key).await;
        assert!(traces(app).await.len() > 5, "the words are found while she is there");
        app.delete(path(&one, "/hard")).bearer(&key).send().await.expect(204);
        assert_eq!(traces(app).await, [""; 0]);
        app.run_jobs().await;
        assert_eq!(traces(app).await, [""; 0]);
        let folder = app.app.config.data_dir.join("files");
        assert_eq!(files(&folder), [""; 0].map(std::path::PathBuf::from));
        let mails = app.mails();
        assert!(
            !mails.iter().any(|mail| PERSONAL.iter().any(|word| mail.to_lowercase().contains(word))),
            "{mails:?}"
        );
        let username = one["username"].as_str().unwrap();
        for query in [
            "lorenzini",
            "quixanowitz",
            "aldonza",
            "dulcinea",
            "dulcinea2@toboso.example",
            "9871234",
            username,
        ] {
            let body = json!({ "query": query });
            let found = app.post("/api/v1/customers/search").bearer(&key).json(body).send().await.expect(200);
            assert_eq!(found["total"], 0, "{query}");
        }
        assert_eq!(customers::statistics::service::reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}
