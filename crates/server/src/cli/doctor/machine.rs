//! The checks of the machine and of how the process is set up on it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use platform::config::{Config, Database};

use super::{Check, Status, Trouble};

/// Below this a large import or a migration can fill the disk.
const LITTLE: u64 = 1 << 30;
/// Below this the next checkpoint can.
const TOO_LITTLE: u64 = 100 << 20;

/// Is there room on the disk of the data directory?
pub(super) fn disk(config: &Config) -> Check {
    const ADVICE: &str = "make room: with a full disk nothing can be changed";
    let dir = &config.data_dir;
    let Ok(disk) = rustix::fs::statvfs(dir) else {
        let detail = format!("{} does not exist yet", dir.display());
        return Err(Trouble::new(Status::Skip, detail, ""));
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let detail = format!("{} MiB free in {}", free >> 20, dir.display());
    match free {
        0..TOO_LITTLE => Err(Trouble::new(Status::Fail, detail, ADVICE)),
        TOO_LITTLE..LITTLE => Err(Trouble::new(Status::Warn, detail, ADVICE)),
        _ => Ok(detail),
    }
}

/// Can others on this machine read what is secret?
pub(super) fn files(config: &Config) -> Check {
    let mut secret: Vec<PathBuf> = vec![config.data_dir.clone(), config.data_dir.join("secret.key")];
    if let Database::Sqlite(path) = &config.database.url {
        secret.push(path.clone());
        secret.push(path.with_extension("db-wal"));
    }
    // Named in a flag or the environment it may lie anywhere; this is where it is looked for.
    secret.push(PathBuf::from("regulars.toml"));
    let there: Vec<PathBuf> = secret.into_iter().filter(|path| path.exists()).collect();
    // Below a directory that is closed nothing is open.
    let closed = is_closed(&config.data_dir);
    let open: Vec<String> = there
        .iter()
        .filter(|path| !(is_closed(path) || (closed && path.starts_with(&config.data_dir))))
        .filter(|path| !path.ends_with("regulars.toml") || names_a_secret(path))
        .map(|path| path.display().to_string())
        .collect();
    match open.is_empty() {
        true => Ok("others on this machine cannot read the data directory".to_owned()),
        false => {
            let detail = format!("others on this machine can read {}", open.join(", "));
            Err(Trouble::new(Status::Fail, detail, "take the right from them: `chmod o-rwx` each"))
        }
    }
}

fn is_closed(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o007 == 0)
}

/// A file of settings without passwords may be read by everybody.
fn names_a_secret(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::trim_start).any(|line| {
        ["secret_key", "smtp_url", "url"].iter().any(|key| {
            line.strip_prefix(key).is_some_and(|rest| {
                let value = rest.trim_start_matches([' ', '=']).trim_matches('"');
                rest.trim_start().starts_with('=')
                    && (*key == "secret_key" || value.contains('@'))
                    && !value.is_empty()
            })
        })
    })
}

/// Do the links in mails lead to where the server listens?
pub(super) fn address(config: &Config) -> Check {
    let elsewhere = config.listen.iter().find(|listen| !is_loopback(&listen.host));
    let public = config.public_url();
    let host = public.split_once("://").map_or(public.as_str(), |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    match elsewhere {
        Some(listen) if is_loopback(host) => Err(Trouble::new(
            Status::Warn,
            format!("the server listens on {listen}, and links in mails lead to {public}"),
            "set public_url to the address under which people reach this installation",
        )),
        _ => Ok(format!("people reach this installation at {public}")),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use platform::config::{FileChoice, Sources};

    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let env = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::load(&Sources { file: FileChoice::Nowhere, env, flags: Vec::new() }).unwrap()
    }

    #[test]
    fn links_that_lead_to_this_machine_only_are_told() {
        let status =
            |settings: &[(&str, &str)]| address(&config(settings)).err().map(|trouble| trouble.status);
        assert_eq!(status(&[]), None);
        assert_eq!(status(&[("REGULARS_LISTEN", "0.0.0.0:80")]), Some(Status::Warn));
        let both = [("REGULARS_LISTEN", "10.0.0.1:80"), ("REGULARS_PUBLIC_URL", "http://[::1]:80")];
        assert_eq!(status(&both), Some(Status::Warn));
        let right = [("REGULARS_LISTEN", "0.0.0.0:80"), ("REGULARS_PUBLIC_URL", "https://crm.example.com")];
        assert_eq!(status(&right), None);
    }

    #[test]
    fn what_others_can_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("secret.key"), "x").unwrap();
        let config = config(&[("REGULARS_DATA_DIR", dir.to_str().unwrap())]);
        let mode =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        mode(&dir, 0o755);
        mode(&dir.join("secret.key"), 0o644);
        let trouble = files(&config).err().unwrap();
        assert!(trouble.detail.contains("secret.key"), "{}", trouble.detail);
        mode(&dir, 0o700);
        assert!(files(&config).is_ok(), "nobody gets through to it");
        assert!(disk(&config).is_ok() || disk(&config).is_err_and(|t| t.status != Status::Skip));
    }

    #[test]
    fn a_file_of_settings_is_secret_only_with_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regulars.toml");
        for (text, secret) in [
            ("listen = [\"127.0.0.1:1\"]\n[database]\nurl = \"sqlite://a.db\"\n", false),
            ("[database]\nurl = \"postgres://u:p@h/d\"\n", true),
            ("secret_key = \"abc\"\n", true),
            ("secret_key = \"\"\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(names_a_secret(&path), secret, "{text}");
        }
    }
}
