//! What keeps a process from starting: one line says what is wrong and what to do.

use database::Engine;

use crate::deployment::{Deployment, Done, on_both_engines};

async fn refused(deployment: &Deployment, args: &[&str], words: &[&str]) -> Done {
    let done = deployment.launch(args).refused().await;
    assert_eq!(done.code, Some(1), "{args:?}: {}", done.err);
    for word in words {
        assert!(done.err.contains(word), "{args:?} should say {word:?}: {}", done.err);
    }
    assert!(!done.err.contains("panicked") && done.out.is_empty(), "{} {}", done.out, done.err);
    done
}

#[tokio::test]
async fn another_master_key_is_refused_and_the_right_one_taken_back() {
    on_both_engines(async |deployment| {
        deployment.serve(&[]).await.stop().await;
        let file = deployment.data().join("secret.key");
        let right = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, "00".repeat(32)).unwrap();
        let done = refused(deployment, &[], &["not the master key of this database", "secret.key"]).await;
        assert!(!done.err.contains(right.trim()), "the key itself is never shown");
        // A key that is gone is not replaced by a new one, which would hide the loss.
        std::fs::remove_file(&file).unwrap();
        refused(deployment, &[], &["the master key is missing", "secret.key", "REGULARS_SECRET_KEY"]).await;
        assert!(!file.exists());
        let mut command = deployment.command(&["api-key", "create", "--role", "admin", "--name", "n"]);
        let done = command.env("SECRET_KEY", "f".repeat(64)).output().await.unwrap();
        assert!(String::from_utf8_lossy(&done.stderr).contains("the setting secret_key"), "{done:?}");
        let mut command = deployment.command(&["doctor"]);
        let done = command.env("REGULARS_SECRET_KEY", right.trim()).output().await.unwrap();
        assert!(done.status.success(), "the same key by another way: {done:?}");
    })
    .await;
}

#[tokio::test]
async fn a_setting_that_is_not_one_is_named() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let file = deployment.folder().join("regulars.toml");
    std::fs::write(&file, "service_name = \"x\"\nlisten_on = [\"127.0.0.1:1\"]\n[log]\nlevle = \"info\"\n")
        .unwrap();
    let words =
        ["regulars.toml:2", "`listen_on`", "regulars.toml:4", "`log.levle`", "did you mean `log.level`"];
    refused(&deployment, &[], &words).await;
    std::fs::remove_file(&file).unwrap();
    refused(&deployment, &["--config", "nowhere.toml"], &["nowhere.toml", "cannot be read"]).await;
    let mut command = deployment.command(&["config"]);
    let done = command.env("REGULARS_LISTNE", "x").output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("REGULARS_LISTNE") && said.contains("REGULARS_LISTEN?"), "{said}");
    deployment.end().await;
}

#[tokio::test]
async fn values_that_cannot_be_used_are_named() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    refused(&deployment, &["--listen", "8000"], &["listen", "flag --listen", "`8000` is not HOST:PORT"])
        .await;
    refused(&deployment, &["--services", "auth,bananas"], &["services", "`bananas`", "auth, customers"])
        .await;
    refused(&deployment, &["--log-level", "loud"], &["log.level", "`loud`"]).await;
    refused(
        &deployment,
        &["--database-url", "mysql://h/d"],
        &["database.url", "neither sqlite nor postgres"],
    )
    .await;
    assert!(!deployment.data().exists(), "nothing is made before the configuration is right");
    deployment.end().await;
}

#[tokio::test]
async fn an_address_in_use_or_not_ours_is_named() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&deployment, &["--listen", &address], &[&address, "in use", "--listen 127.0.0.1:8001"]).await;
    // TEST-NET-1 belongs to nobody.
    let words = ["192.0.2.1:80", "not an address of this machine", "--listen 0.0.0.0:8000"];
    refused(&deployment, &["--listen", "192.0.2.1:80"], &words).await;
    deployment.end().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = deployment.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", format!("postgres://u:hunter2@127.0.0.1:{port}/d"));
    let done = command.env("REGULARS_DATABASE_START_TIMEOUT_S", "1").output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && !said.contains("hunter2"), "{said}");
    for word in ["u:********@127.0.0.1", "start the database server", "refused"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("Transient") && !said.contains("busy"), "{said}");
    deployment.end().await;
}

/// Row C15: a deployment whose server may not change the schema says who does.
#[tokio::test]
async fn missing_migrations_are_named_when_the_server_may_not_apply_them() {
    on_both_engines(async |deployment| {
        let mut command = deployment.command(&["serve", "--listen", "127.0.0.1:0"]);
        let done = command.env("REGULARS_DATABASE_MIGRATE", "false").output().await.unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(said.contains("0001_start") && said.contains("regulars migrate"), "{said}");
        let migrated = deployment.run(&["migrate"], "").await;
        assert!(migrated.out.contains("0001_start"), "{}", migrated.out);
        let again = deployment.run(&["migrate"], "").await;
        assert!(again.out.contains("is up to date"), "{}", again.out);
        let mut command = deployment.command(&["api-key", "create", "--role", "admin", "--name", "n"]);
        let done = command.env("REGULARS_DATABASE_MIGRATE", "false").output().await.unwrap();
        assert!(done.status.success(), "{done:?}");
    })
    .await;
}
