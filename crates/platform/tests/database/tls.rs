//! Encryption to PostgreSQL, on a cluster of its own with certificates that the test makes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use database::sql;
use database::{Db, Options, Target, Usage};
use database::{Error, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_postgres::NoTls;

use crate::common::until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres");

#[expect(clippy::disallowed_methods, reason = "set by the script that starts the tests' server")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
fn connections_are_encrypted_as_the_url_says() {
    if env("REGULARS_TEST_POSTGRES_BIN").is_none() {
        eprintln!("skipped: the server's programs are not known; run `scripts/test`");
        return;
    }
    let done = Command::new(SCRIPT)
        .arg("run")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tls::every_mode_of_encryption", "--ignored", "--nocapture"])
        .output()
        .expect("the script runs");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success() && said.contains("all modes"), "{said}");
}

/// The cluster, and how to reach it whatever it refuses.
struct Cluster {
    dir: PathBuf,
    password: String,
    port: String,
}

impl Cluster {
    fn of_this_run() -> Cluster {
        let [dir, password, port] =
            ["REGULARS_TEST_POSTGRES_DIR", "PGPASSWORD", "PGPORT"].map(|name| env(name).unwrap());
        Cluster { dir: dir.into(), password, port }
    }

    async fn run(&self, statements: &[&str]) -> Vec<String> {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.dir)
            .port(self.port.parse().unwrap())
            .user("postgres")
            .password(&self.password);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for statement in statements {
            for message in client.simple_query(statement).await.unwrap() {
                if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                    answers.push(row.get(0).unwrap_or_default().to_owned());
                }
            }
        }
        answers
    }

    /// What new connections over the network have to be.
    async fn admit(&self, kind: &str) {
        let rules = format!("local all all password\n{kind} all all 127.0.0.1/32 password\n");
        std::fs::write(self.dir.join("data/pg_hba.conf"), rules).unwrap();
        self.run(&["SELECT pg_reload_conf()"]).await;
        let wanted = [kind.to_owned()];
        let rule = "SELECT type FROM pg_hba_file_rules WHERE type <> 'local'";
        until("the rules are read", async || self.run(&[rule]).await == wanted).await;
    }

    /// Shows this certificate from now on.
    async fn show(&self, name: &str, certificate: &str, key: &KeyPair) {
        let owner = std::fs::metadata(self.dir.join("data")).unwrap();
        for (suffix, text) in [("crt", certificate), ("key", &key.serialize_pem())] {
            let path = self.dir.join(format!("data/{name}.{suffix}"));
            std::fs::write(&path, text).unwrap();
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let settings = [
            format!("ALTER SYSTEM SET ssl_cert_file = '{name}.crt'"),
            format!("ALTER SYSTEM SET ssl_key_file = '{name}.key'"),
            "ALTER SYSTEM SET ssl = on".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
        ];
        self.run(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let now = ["on".to_owned(), format!("{name}.crt")];
        let asked = ["SHOW ssl", "SHOW ssl_cert_file"];
        until("the certificate is read", async || self.run(&asked).await == now).await;
    }

    /// Is a connection with these options encrypted?
    async fn encrypted(&self, host: &str, options: &str) -> Result<bool> {
        let url = format!("postgres://postgres:{}@{host}:{}/postgres?{options}", self.password, self.port);
        let db = Db::open(&Options::new(Target::Postgres(url)))?;
        let mut tx = db.read(&Arc::new(Usage::default())).await?;
        let ssl = sql!(postgres: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()" => bool);
        tx.one(ssl, []).await
    }

    async fn refused(&self, host: &str, options: &str, why: &str) -> Error {
        let e = self.encrypted(host, options).await.expect_err(options);
        assert!(format!("{e:?}").contains(why), "{options}: {e:?}");
        e
    }
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn kept(folder: &Path, name: &str, pem: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, pem).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "changes its server: another test runs it beside a cluster of its own"]
async fn every_mode_of_encryption() {
    let cluster = Cluster::of_this_run();
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (issuer("ours"), issuer("other"));
    let [ours_pem, other_pem] = [("ours.pem", &ours), ("other.pem", &other)]
        .map(|(name, issuer)| kept(folder.path(), name, &issuer.pem()));

    // Without TLS on the server.
    cluster.admit("host").await;
    for options in ["", "sslmode=prefer", "sslmode=disable", "sslmode=allow"] {
        assert!(!cluster.encrypted("127.0.0.1", options).await.unwrap(), "{options}");
    }
    cluster.refused("127.0.0.1", "sslmode=require", "does not support TLS").await;

    // With a certificate for `localhost`, signed by an authority that nobody knows.
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    cluster.show("signed", &certificate.pem(), &key).await;
    for (host, options) in [
        ("127.0.0.1", String::new()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ours_pem}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={ours_pem}")),
    ] {
        assert!(cluster.encrypted(host, &options).await.unwrap(), "{options}");
    }
    for options in ["sslmode=disable", "sslmode=allow"] {
        assert!(!cluster.encrypted("127.0.0.1", options).await.unwrap(), "{options}");
    }
    let named = format!("sslmode=verify-full&sslrootcert={ours_pem}");
    let e = cluster.refused("127.0.0.1", &named, "not valid for").await;
    assert_eq!(e.code(), "DATABASE_UNAVAILABLE", "{e:?}");
    assert!(platform::advice::advice(&e).unwrap().contains("sslrootcert"));
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&sslrootcert={other_pem}");
        cluster.refused("localhost", &options, "certificate").await;
    }
    for options in ["sslmode=verify-full", "sslrootcert=system"] {
        cluster.refused("localhost", options, "certificate").await;
    }
    cluster.refused("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem").await;

    // A server that takes only one form: what may be tried otherwise is.
    cluster.admit("hostssl").await;
    for options in ["", "sslmode=allow"] {
        assert!(cluster.encrypted("127.0.0.1", options).await.unwrap(), "{options}");
    }
    cluster.refused("127.0.0.1", "sslmode=disable", "pg_hba.conf").await;
    cluster.admit("hostnossl").await;
    assert!(!cluster.encrypted("127.0.0.1", "").await.unwrap());
    cluster.refused("127.0.0.1", "sslmode=require", "pg_hba.conf").await;

    // A certificate that stands for itself, marked as an authority as `openssl req -x509` does.
    cluster.admit("hostssl").await;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    cluster.show("own", &own.pem(), own.key()).await;
    let own_pem = kept(folder.path(), "own.pem", &own.pem());
    let options = format!("sslmode=verify-full&sslrootcert={own_pem}");
    assert!(cluster.encrypted("localhost", &options).await.unwrap());
    cluster.refused("127.0.0.1", &options, "not valid for").await;
    cluster.refused("localhost", &format!("sslmode=verify-ca&sslrootcert={ours_pem}"), "certificate").await;
    eprintln!("all modes");
}
