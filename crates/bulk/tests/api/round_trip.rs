//! What an export wrote, imported where it came from, changes nothing.
//!
//! Promises of the specification, section 5: import and export.

use database::{args, sql};
use fixtures::{customer, key, path, register};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;
use crate::import::{end_of, import};

const LIST: &str = "/api/v1/customers/";

/// Customers with everything that is hard to write into a file and to read again.
async fn hard_ones(app: &TestApp, key: &str) {
    for body in [
        json!({
            "first_name": "Ana María", "last_name": "D'Été, jr.", "email": "ana@example.com", "phone": "+57 300 123 4567",
            "address_line1": "=Cra 7 # 1-2", "address_line2": "\"Apto\" 3", "city": "Bogotá", "state": "-DC", "postal_code": "01234",
            "country": "Colombia", "date_of_birth": "1990-02-01", "gender": "other", "tags": "a, b ,+c", "external_id": "'=X",
            "notes": "=1+1\n\"quoted\", second line\r\n'third", "company_name": "@Minus & Co", "business_type": "-", "tax_id": "00123",
            "metadata": {"k": "v", "=f": "+x", "n": "1.50", "text": " two\nlines "},
            "notification_preferences": {"sms": false, "quiet": {"from": "22:00"}}, "marketing_sms": true, "marketing_emails": false,
            "customer_since": "2020-01-02T03:04:05.678901Z", "is_verified": true, "emergency_contact_name": "Bo",
            "emergency_contact_phone": "+1-555-0123", "emergency_contact_relationship": "wife", "preferred_contact_method": "sms",
        }),
        // One household, one telephone; the second has nothing else.
        json!({"first_name": "@at", "last_name": "+plus", "email": "b@example.com", "phone": "+1-555-0199"}),
        json!({"first_name": "'t", "last_name": "Hooft", "phone": "+1-555-0199"}),
        json!({"first_name": "李", "last_name": "小龍", "phone": "555 0100 ext 12", "city": "  São Paulo  ", "notes": "'"}),
    ] {
        app.post(LIST).bearer(key).json(body).send().await.expect(201);
    }
    let gone = customer(app, key, "inactive@example.com").await;
    app.post(path(&gone, "/deactivate"))
        .bearer(key)
        .json(json!({"reason": "=moved"}))
        .send()
        .await
        .expect(200);
    // Somebody who logs in and whose new address waits, and a member of the staff with a profile.
    let (token, _) = register(app, "own@example.com").await;
    let own =
        app.post("/api/v1/customers/profile/create").bearer(&token).json(json!({})).send().await.expect(201);
    app.patch(path(&own, "")).bearer(key).json(json!({"email": "new@example.com"})).send().await.expect(200);
    let (token, user) = register(app, "staff@example.com").await;
    app.post("/api/v1/customers/profile/create").bearer(&token).json(json!({})).send().await.expect(201);
    let user: uuid::Uuid = user.parse().unwrap();
    let mut tx = app.system().write().await.unwrap();
    tx.exec(sql!("UPDATE user_account SET role = 'employee' WHERE id = $1"), args![user]).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
}

async fn export(app: &TestApp, key: &str, format: &str) -> Vec<u8> {
    let reply = app.get(format!("/api/v1/customers/export?format={format}")).bearer(key).send().await;
    reply.expect(200);
    reply.bytes
}

/// Imports a file of this format; the job and its report.
async fn take(app: &TestApp, key: &str, format: &str, query: &str, file: Vec<u8>) -> (Value, Vec<String>) {
    if format == "csv" {
        return import(app, key, query, file).await;
    }
    let request = app.post(format!("/api/v1/customers/import{query}")).bearer(key);
    let reply = request.body("application/x-ndjson", file).send().await.expect(202);
    end_of(app, key, reply["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn import_of_an_export_changes_nothing() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        hard_ones(app, &key).await;
        let before = app.get(LIST).bearer(&key).send().await.expect(200);
        for format in ["csv", "ndjson"] {
            let file = export(app, &key, format).await;
            for dry in [true, false] {
                let query = format!("?mode=upsert&dry_run={dry}");
                let (job, report) = take(app, &key, format, &query, file.clone()).await;
                assert_eq!(job["progress"]["unchanged"], 7, "{format} {report:#?}");
                assert_eq!(job["progress"]["total"], 7, "{format}");
            }
            assert!(export(app, &key, format).await == file, "{format}");
        }
        assert_eq!(app.get(LIST).bearer(&key).send().await.expect(200), before);
    })
    .await;
}

#[tokio::test]
async fn import_tells_a_shared_telephone_from_a_repeated_customer() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let mut numbers = Vec::new();
        for (name, email) in [("Ana", Some("ana@example.com")), ("Bo", None), ("Cy", None)] {
            let body = json!({"first_name": name, "last_name": "Li", "email": email, "phone": "+1-555-0199"});
            let one = app.post(LIST).bearer(&key).json(body).send().await.expect(201);
            numbers.push(one["customer_id"].as_str().unwrap().to_owned());
        }
        let [ana, bo, cy] = numbers.as_slice() else { panic!("three") };
        let rows = [
            format!("{ana},ana@example.com,+1-555-0199,Lima"),
            format!("{bo},,+1-555-0199,Ica"),
            format!("{cy},,+1-555-0199,Tacna"),
            format!("{bo},,+1-555-0199,Puno"),
            ",,+1-555-0199,Cusco".to_owned(),
        ];
        let head = "customer_id,email,phone,city";
        // In one chunk, and each row in its own.
        let wide: Vec<String> = rows.iter().map(|row| format!("{row},{}", "x".repeat(1_000_000))).collect();
        let filler = vec![format!(",,,,{}", "x".repeat(1_000_000)); 8].join("\n");
        let apart = wide.join(&format!("\n{filler}\n"));
        for (file, at) in [
            (format!("{head}\n{}\n", rows.join("\n")), [0, 1, 2, 3, 4]),
            (format!("{head},filler\n{apart}\n"), [0, 9, 18, 27, 36]),
        ] {
            for dry in [true, false] {
                let (job, report) =
                    import(app, &key, &format!("?mode=upsert&dry_run={dry}"), file.clone()).await;
                let said: Vec<&str> = at.iter().map(|i| report[*i].split_once(' ').unwrap().1).collect();
                let first = if job["progress"]["updated"] == 3 { "updated -" } else { "unchanged -" };
                assert_eq!(
                    said,
                    [first, first, first, "duplicate DUPLICATE_ROW", "failed MATCH_AMBIGUOUS"],
                    "{dry} {report:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn import_of_a_telephone_that_another_row_gave_away_is_ambiguous_in_every_chunk() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        for (digits, blanks) in [("0191", 0), ("0192", 9)] {
            let phone = format!("+1-555-{digits}");
            let body = json!({"first_name": "Bo", "last_name": "Li", "phone": phone});
            app.post(LIST).bearer(&key).json(body).send().await.expect(201);
            let filler = "x".repeat(1_000_000);
            let mut rows = vec![format!("new{digits}@example.com,{phone},Ana,Li,{filler}")];
            rows.extend(vec![format!(",,,,{filler}"); blanks]);
            rows.push(format!(",{phone},Bo,Lee,{filler}"));
            let file = format!("email,phone,first_name,last_name,filler\n{}\n", rows.join("\n"));
            for dry in [true, false] {
                let (_, report) =
                    import(app, &key, &format!("?mode=upsert&dry_run={dry}"), file.clone()).await;
                assert_eq!(report[0], "2 created -", "{dry} {digits}");
                assert!(report[blanks + 1].ends_with(" failed MATCH_AMBIGUOUS"), "{dry} {digits} {report:?}");
            }
        }
    })
    .await;
}
