//! `POST /api/v1/customers/import`: what becomes of rows, and of whole files.
//!
//! Promises of the specification, section 5: column mapping, dry run with a verdict per row, create, update and upsert,
//! resumable, streamed, no row limit. Who may: admin only, within the scope.

use database::{args, sql};
use fixtures::{actions, company, company_key, customer, key, ledger, register};
use platform::storage::ObjectName;
use platform::test::{TestApp, TestReply, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

use crate::common::features;

const IMPORT: &str = "/api/v1/customers/import";

/// Sends a table and says what the server answered.
pub async fn send(app: &TestApp, key: &str, query: &str, file: impl Into<Vec<u8>>) -> TestReply {
    app.post(format!("{IMPORT}{query}")).bearer(key).body("text/csv", file).send().await
}

/// Imports a table: the job at its end, and its report as `row verdict code`.
pub async fn import(app: &TestApp, key: &str, query: &str, file: impl Into<Vec<u8>>) -> (Value, Vec<String>) {
    let accepted = send(app, key, query, file).await;
    let id = accepted.expect(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(accepted.header("location"), format!("/api/v1/jobs/{id}"));
    end_of(app, key, &id).await
}

/// The job after it was worked on, and its report.
pub async fn end_of(app: &TestApp, key: &str, id: &str) -> (Value, Vec<String>) {
    app.run_jobs().await;
    let job = app.get(format!("/api/v1/jobs/{id}")).bearer(key).send().await.expect(200);
    let progress = &job["progress"];
    let parts = ["created", "updated", "unchanged", "skipped", "duplicate", "failed"];
    let sum: i64 = parts.iter().map(|part| progress[part].as_i64().unwrap()).sum();
    assert_eq!(json!(sum), progress["total"], "{job}");
    (job.clone(), report(app, key, id).await)
}

async fn lines(app: &TestApp, key: &str, id: &str) -> Vec<Value> {
    let reply = app.get(format!("/api/v1/jobs/{id}/report?format=ndjson")).bearer(key).send().await;
    reply.expect(200);
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn report(app: &TestApp, key: &str, id: &str) -> Vec<String> {
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    let line =
        |line: &Value| format!("{} {} {}", line["row"], text(&line["verdict"]), text(&line["error_code"]));
    lines(app, key, id).await.iter().map(line).collect()
}

pub async fn by_email(app: &TestApp, key: &str, email: &str) -> TestReply {
    app.get(format!("/api/v1/customers/email/{email}")).bearer(key).send().await
}

/// How many customers there are, by the counters and by counting.
pub async fn count(app: &TestApp, key: &str) -> i64 {
    let stats = app.get("/api/v1/customers/stats").bearer(key).send().await.expect(200);
    let mut tx = app.system().read().await.unwrap();
    let sql = sql!("SELECT count(*) AS n FROM customer WHERE erased_at IS NULL" => i64);
    let counted = tx.one(sql, []).await.unwrap();
    assert_eq!(stats["total_customers"], json!(counted));
    counted
}

#[tokio::test]
async fn import_creates_whom_nobody_knows() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let file = "Correo,Nombre,Apellido,Teléfono,Ciudad,País,Fecha de nacimiento,Sexo,newsletter,tags,notas,color\n\
                    ana@example.com,Ana,Mora,'+57 300 123 4567,Bogotá,CO,31/12/1990,mujer,no,\"vip, new\",\"a \"\"b\"\"\nc\",red\n\
                    bo@example.com,Bo,Li,555-0123,,,,,,,,\n";
        let (job, report) = import(app, &key, "", file).await;
        assert_eq!((&job["state"], &job["kind"]), (&json!("done"), &json!("import")));
        assert_eq!(job["progress"]["created"], 2);
        assert_eq!(report, ["2 created -", "3 created -"]);
        let ana = by_email(app, &key, "ana@example.com").await.expect(200);
        for (member, value) in [
            ("first_name", json!("Ana")),
            ("last_name", json!("Mora")),
            ("phone", json!("+57 300 123 4567")),
            ("city", json!("Bogotá")),
            ("country_code", json!("CO")),
            ("date_of_birth", json!("1990-12-31")),
            ("gender", json!("female")),
            ("marketing_emails", json!(false)),
            ("tag_list", json!(["vip", "new"])),
            ("notes", json!("a \"b\"\nc")),
            ("username", json!("anamora")),
        ] {
            assert_eq!(ana[member], value, "{member}");
        }
        assert_eq!(actions(app, &ana).await.last().unwrap(), "customer.created");
        assert!(ledger(app, &ana).await.contains(&("marketing_emails".into(), false, "staff".into())));
        let columns = job["columns"].as_array().unwrap();
        assert_eq!(columns[0], json!({"name": "Correo", "member": "email"}));
        assert_eq!(columns[11], json!({"name": "color", "member": null}));
        assert_eq!(count(app, &key).await, 2);

        // Once more: everybody is known.
        let (job, report) = import(app, &key, "", file).await;
        assert_eq!(job["progress"]["skipped"], 2);
        assert_eq!(report, ["2 skipped ALREADY_EXISTS", "3 skipped ALREADY_EXISTS"]);
        assert_eq!(count(app, &key).await, 2);
    })
    .await;
}

#[tokio::test]
async fn import_updates_and_upserts_by_each_key() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let (_, report) = import(
            app,
            &key,
            "",
            "email,phone,external_id,first_name,last_name,city\n\
             a@example.com,555-0001,X1,A,A,Lima\nb@example.com,555-0002,X2,B,B,Lima\nc@example.com,555-0002,X3,C,C,Lima\n",
        )
        .await;
        assert_eq!(report.len(), 3);
        let a = by_email(app, &key, "a@example.com").await.expect(200);
        let id = a["customer_id"].as_str().unwrap();
        let table = format!("customer_id,city\n{id},Cusco\nCUST_00000000,Cusco\n{},Cusco\n", a["id"].as_str().unwrap());
        let (_, report) = import(app, &key, "?mode=update", table).await;
        assert_eq!(report, ["2 updated -", "3 skipped CUSTOMER_NOT_FOUND", "4 duplicate DUPLICATE_ROW"]);
        assert_eq!(by_email(app, &key, "a@example.com").await.expect(200)["city"], "Cusco");

        let (_, report) = import(
            app,
            &key,
            "?mode=upsert&match=external_id",
            "external_id,email,first_name,last_name,city\nX1,a@example.com,A,A,Cusco\nX4,d@example.com,D,D,Puno\n\
             ,e@example.com,E,E,Puno\nX5,a@example.com,E,E,Puno\nX2,,,,Ica\n",
        )
        .await;
        assert_eq!(
            report,
            [
                "2 unchanged -",
                "3 created -",
                "4 failed MATCH_KEY_MISSING",
                "5 failed CUSTOMER_EMAIL_EXISTS",
                "6 updated -"
            ]
        );
        let (_, report) =
            import(app, &key, "?mode=update&match=phone", "tel,ciudad\n5550001,Tacna\n+5550002,Tacna\n5550009,Tacna\n")
                .await;
        assert_eq!(report, ["2 updated -", "3 failed MATCH_AMBIGUOUS", "4 skipped CUSTOMER_NOT_FOUND"]);
        let (_, report) =
            import(app, &key, "?mode=upsert&match=email&empty=clear", "email,city\nA@Example.com,\nz@example.com,X\n").await;
        assert_eq!(report, ["2 updated -", "3 failed VALIDATION_FAILED"]);
        let a = by_email(app, &key, "a@example.com").await.expect(200);
        assert_eq!((&a["city"], &a["email"]), (&json!(null), &json!("A@Example.com")));
        let (_, report) = import(app, &key, "?mode=upsert&match=customer_id", "customer_id,email,name\nCUST_00000000,y@example.com,Y Y\n").await;
        assert_eq!(report, ["2 failed CUSTOMER_NOT_FOUND"]);
        // By whatever comes first: an id of another installation is passed over.
        let (_, report) = import(app, &key, "?mode=upsert", "customer_id,email,name\nCUST_00000000,b@example.com,Bee B\n").await;
        assert_eq!(report, ["2 updated -"]);
        assert_eq!(count(app, &key).await, 4);
    })
    .await;
}

#[tokio::test]
async fn import_of_rows_that_are_wrong_says_why_and_goes_on() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        customer(app, &key, "known@example.com").await;
        let file = "email,first_name,last_name,dob,phone\n\
                    nobody,Ana,Mora,,\n\
                    a@example.com,Ana,,,\n\
                    b@example.com,Ana,Mora,2999-01-01,\n\
                    c@example.com,Ana,Mora,03/04/1990,\n\
                    d@example.com,Ana,Mora,,1.55E+10\n\
                    ,,,,\n\
                    e@example.com,Ana\n\
                    \"f\"@example.com,Ana,Mora,,\n\
                    g@example.com,Ana,Mora,,\n\
                    G@example.com,Bea,Mora,,\n\
                    ,Ana,Mora,,\n";
        let (job, report) = import(app, &key, "", file).await;
        assert_eq!(job["state"], "done");
        assert_eq!(
            report,
            [
                "2 failed invalid_email",
                "3 failed required",
                "4 failed in_the_future",
                "5 failed ambiguous_date",
                "6 failed scientific_notation",
                "7 skipped blank_row",
                "8 failed wrong_number_of_cells",
                "9 failed invalid_quote",
                "10 created -",
                "11 duplicate DUPLICATE_ROW",
                "12 failed required"
            ]
        );
        let id = job["id"].as_str().unwrap();
        let told = lines(app, &key, id).await;
        assert_eq!(
            told[3]["detail"].as_str().unwrap().split(':').next(),
            Some("dob"),
            "as the file names it"
        );
        assert_eq!(count(app, &key).await, 2);

        // Whom an earlier row would have been, had it not been refused.
        let twice = "email,name,dob\nh@example.com,Ana Mora,2999-01-01\nh@example.com,Ana Mora,1990-01-01\n\
                     h@example.com,Ana Mora,1991-01-01\n";
        let (_, report) = import(app, &key, "", twice).await;
        assert_eq!(report, ["2 failed in_the_future", "3 created -", "4 duplicate DUPLICATE_ROW"]);

        let (job, report) = import(
            app,
            &key,
            "?on_error=stop",
            "email,name\nj@example.com,J J\nwrong,K K\nl@example.com,L L\n",
        )
        .await;
        assert_eq!(
            (&job["state"], &job["error"]["error_code"]),
            (&json!("failed"), &json!("IMPORT_STOPPED"))
        );
        assert_eq!(report, ["2 created -", "3 failed invalid_email"]);
        by_email(app, &key, "l@example.com").await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn import_of_hostile_files_ends_in_a_report() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let refused = async |query: &str, file: &[u8], code: &str| {
            let problem = send(app, &key, query, file).await.expect_error(422, "VALIDATION_FAILED");
            assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        };
        refused("", b"", "empty").await;
        refused("", b"\xef\xbb\xbf", "empty").await;
        refused("", b"\r\n\r\n", "empty").await;
        refused("", b"hello\nworld\n", "no_known_column").await;
        refused("", b"PK\x03\x04\x14\x00\x06\x00", "not_text").await;
        refused("?format=ndjson", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_text").await;
        refused("", b"\"email\nopen", "unclosed_quote").await;
        refused("", "email,".repeat(5000).as_bytes(), "too_many_columns").await;
        refused("", b"email,Email\na@b.co,a@b.co\n", "duplicate_column").await;
        refused("", &b"email,".repeat(400_000), "row_too_long").await;
        refused("?unknown=refuse", b"email,shoe\na@b.co,1\n", "unknown_column").await;
        refused("?mapping=shoe=email", b"email\na@b.co\n", "unknown_column").await;

        let (job, report) = import(app, &key, "", "email,first_name,last_name\n").await;
        assert_eq!((&job["state"], &job["progress"]["total"], report.len()), (&json!("done"), &json!(0), 0));

        // A quote that is never closed: what stood before it is there, and the report says what is not.
        let open = "email,name\na@example.com,A A\n\"b@example.com,B B\nc@example.com,C C\n";
        let (job, report) = import(app, &key, "", open).await;
        assert_eq!(
            (&job["state"], &job["error"]["error_code"]),
            (&json!("failed"), &json!("IMPORT_UNREADABLE"))
        );
        assert_eq!(report, ["2 created -", "3 failed unclosed_quote"]);

        let mut wild = b"email,first_name,last_name,notes\n".to_vec();
        wild.extend_from_slice(b"long@example.com,L,L,");
        wild.extend(std::iter::repeat_n(b'x', 10 << 20));
        wild.extend_from_slice(b"\nnul@example.com,N\0,N,\n");
        wild.extend_from_slice(b"latin@example.com,Nu\xf1ez,L,\n");
        wild.extend_from_slice("utf@example.com,Nuñez ñ,L,\n".as_bytes());
        wild.extend_from_slice(b"formula@example.com,F,F,\"=HYPERLINK(\"\"x\"\")\"\n");
        wild.extend_from_slice(b"guarded@example.com,G,G,'=1+1\n");
        let (job, report) = import(app, &key, "", wild).await;
        assert_eq!(job["state"], "done");
        assert_eq!(
            report,
            [
                "2 failed row_too_long",
                "3 failed control_character",
                "4 failed invalid_encoding",
                "5 created -",
                "6 created -",
                "7 created -"
            ]
        );
        assert_eq!(by_email(app, &key, "guarded@example.com").await.expect(200)["notes"], "=1+1");
        let text = "\u{feff}email;first_name;last_name\r\nwide@example.com;Žofie;Ω\r\n";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let (_, report) = import(app, &key, "", wide).await;
        assert_eq!(report, ["2 created -"]);
        let files = std::fs::read_dir(app.app.config.data_dir.join("files/imports"));
        assert_eq!(files.map_or(0, Iterator::count), 0, "no file stays behind");
    })
    .await;
}

#[tokio::test]
async fn import_reads_lines_of_json_and_forms() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let file = "{\"email\":\"a@example.com\",\"first_name\":\"A\",\"last_name\":\"A\",\"tags\":[\"x\"],\"metadata\":{\"k\":\"v\"}}\n\
                    {\"email\":\"b@example.com\"}\n{\"emial\":1}\n[]\n{\n";
        let accepted = app.post(IMPORT).bearer(&key).body("application/x-ndjson", file).send().await;
        let id = accepted.expect(202)["id"].as_str().unwrap().to_owned();
        let (_, report) = end_of(app, &key, &id).await;
        assert_eq!(
            report,
            [
                "1 created -",
                "2 failed VALIDATION_FAILED",
                "3 failed unknown_member",
                "4 failed wrong_type",
                "5 failed invalid_json"
            ]
        );
        assert_eq!(by_email(app, &key, "a@example.com").await.expect(200)["metadata"], json!({"k": "v"}));

        let form = "--line\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
                    --line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.CSV\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\nemail,name\nc@example.com,C C\n\r\n--line--\r\n";
        let accepted = app.post(IMPORT).bearer(&key).body("multipart/form-data; boundary=line", form).send().await;
        let id = accepted.expect(202)["id"].as_str().unwrap().to_owned();
        assert_eq!(end_of(app, &key, &id).await.1, ["2 created -"]);

        let none = "--line\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--line--\r\n";
        let reply = app.post(IMPORT).bearer(&key).body("multipart/form-data; boundary=line", none).send().await;
        reply.expect_error(400, "FILE_MISSING");
        let reply = app.post(IMPORT).bearer(&key).body("multipart/form-data; boundary=line", "--li").send().await;
        reply.expect_error(400, "FORM_INVALID");
    })
    .await;
}

#[tokio::test]
async fn import_refuses_what_it_cannot_take() {
    let settings = [("imports.most_bytes", "2000")];
    on_both_engines_with(&features(), &settings, async |app| {
        let admin = key(app, "admin").await;
        let file = "email,name\na@example.com,A A\n";
        for role in ["manager", "employee", "viewer"] {
            company(app, &format!("COMP-{role}")).await;
            let other = company_key(app, role, &format!("COMP-{role}")).await;
            send(app, &other, "", file).await.expect_error(403, "PERMISSION_DENIED");
        }
        let (customer, _) = register(app, "cus@example.com").await;
        send(app, &customer, "", file).await.expect(403);
        app.post(IMPORT).body("text/csv", file).send().await.expect(401);
        let large = format!("{file}{}", "b@example.com,B B\n".repeat(200));
        send(app, &admin, "", large).await.expect_error(413, "FILE_TOO_LARGE");
        send(app, &admin, "?colour=red", file).await.expect_error(400, "UNKNOWN_PARAMETER");
        let problem =
            send(app, &admin, "?mode=replace&match=name", file).await.expect_error(422, "VALIDATION_FAILED");
        let fields: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, ["mode", "match"]);
        for media in ["text/plain", "application/octet-stream", "application/json"] {
            let reply = app.post(IMPORT).bearer(&admin).body(media, file).send().await;
            reply.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        let reply = app
            .post(IMPORT)
            .bearer(&admin)
            .header("content-encoding", "gzip")
            .body("text/csv", file)
            .send()
            .await;
        reply.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(count(app, &admin).await, 0);
    })
    .await;
}

#[tokio::test]
async fn import_stays_within_the_scope() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        for id in ["COMP-001", "COMP-002"] {
            company(app, id).await;
        }
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let grant = sql!(
            sqlite: "UPDATE role SET permissions = json_insert(permissions, '$[#]', 'customers.import') WHERE code = $1",
            postgres: "UPDATE role SET permissions = permissions || '[\"customers.import\"]'::jsonb WHERE code = $1"
        );
        tx.exec(grant, args!["manager"]).await.unwrap();
        tx.commit().await.unwrap();
        let one = company_key(app, "manager", "COMP-001").await;
        let two = company_key(app, "manager", "COMP-002").await;
        let (job, _) = import(app, &one, "", "email,name,external_id\na@example.com,A A,X1\n").await;
        let a = by_email(app, &one, "a@example.com").await.expect(200);
        assert_eq!(a["company_id"], "COMP-001");
        let table = format!(
            "customer_id,email,city\n{},,Lima\n,a@example.com,Lima\n",
            a["customer_id"].as_str().unwrap()
        );
        let (_, report) = import(app, &two, "?mode=update", table).await;
        assert_eq!(report, ["2 skipped CUSTOMER_NOT_FOUND", "3 skipped CUSTOMER_NOT_FOUND"]);
        let (_, report) = import(app, &two, "?mode=upsert", "email,name\na@example.com,B B\n").await;
        assert_eq!(report, ["2 failed CUSTOMER_EMAIL_EXISTS"]);
        let id = job["id"].as_str().unwrap();
        app.get(format!("/api/v1/jobs/{id}")).bearer(&two).send().await.expect_error(404, "JOB_NOT_FOUND");
        assert_eq!(by_email(app, &admin, "a@example.com").await.expect(200)["city"], json!(null));
    })
    .await;
}

fn form(name: &str, media_type: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--x--\r\n"].concat()
}

#[tokio::test]
async fn import_of_what_is_no_text_says_what_it_is() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        for (name, media_type, file, code) in [
            ("people.xlsx", workbook, &b"PK\x03\x04\0\0\0\0"[..], "not_text"),
            ("people.xls", "application/vnd.ms-excel", b"\xd0\xcf\x11\xe0....", "not_text"),
            ("people.csv.gz", "application/gzip", b"\x1f\x8b\x08\0\0\0\0\0", "not_text"),
            ("people.csv", "text/csv", b"\x1f\x8b\x08\0\0\0\0\0", "not_text"),
            ("people.json", "application/json", b"[{\"email\": \"a@example.com\"}]", "not_lines"),
            ("people.bin", "application/octet-stream", b"", "empty"),
        ] {
            let body = form(name, media_type, file);
            let request = app.post(IMPORT).bearer(&key).body("multipart/form-data; boundary=x", body);
            let refused = request.send().await.expect_error(422, "VALIDATION_FAILED");
            assert_eq!(
                (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
                (&json!("file"), &json!(code)),
                "{name}"
            );
        }
        let body = form("people", "application/octet-stream", b"email\na@example.com\n");
        let request = app.post(IMPORT).bearer(&key).body("multipart/form-data; boundary=x", body);
        request.send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_sent_again_with_its_key_is_taken_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let table = "external_id,email,first_name,last_name\nX1,a@example.com,Ada,Lovelace\n";
        for again in ["", "true"] {
            let import = app.post("/api/v1/customers/import").bearer(&key).header("idempotency-key", "k");
            let import = import.body("text/csv", table).send().await;
            import.expect(202);
            assert_eq!(import.header("idempotent-replayed"), again);
            app.run_jobs().await;
        }
        let imports = app.app.storage.list(&ObjectName::new("imports").unwrap(), None, 10).await.unwrap();
        assert!(imports.is_empty(), "what the repeat stored is gone");
        let jobs = app.get("/api/v1/jobs").bearer(&key).send().await.expect(200);
        assert_eq!(jobs["total"], 1);
    })
    .await;
}
