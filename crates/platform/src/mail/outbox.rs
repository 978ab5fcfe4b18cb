//! Mails as files: `DATA_DIR/outbox/<time>-<mail>-<user>.eml`. The name says when it was asked for and whose it is, so that
//! nothing has to be read to find what goes: too old, or of somebody who was erased.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::{in_background, time_of};
use kernel::clock::Timestamp;
use kernel::error::Result;

/// What the name of a mail begins with as long as it is not all there; the dot keeps readers of *.eml away from it.
const UNFINISHED: &str = ".mail.";
/// An unfinished mail of this age was left by a process that died.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

/// The directory of mails that are written instead of sent.
#[derive(Clone)]
pub struct Outbox(PathBuf);

/// The file of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFile {
    name: String,
    /// When the mail was asked for; `None` for files that are none of ours.
    pub at: Option<Timestamp>,
    /// Whose it is; `None` for one of an older release.
    pub user: Option<Uuid>,
}

impl MailFile {
    fn of(name: String) -> MailFile {
        // Two UUIDs of 36 characters behind the time, or one.
        let stem = name.strip_suffix(".eml").unwrap_or_default();
        let ids = stem.split_once('-').map_or("", |(_, ids)| ids);
        let id = |text: Option<&str>| text.and_then(|id| Uuid::try_parse(id).ok());
        let (at, user) = (id(ids.get(..36)).and_then(time_of), id(ids.get(37..)));
        MailFile { name, at, user }
    }
}

impl Outbox {
    pub(super) fn new(dir: PathBuf) -> Outbox {
        Outbox(dir)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// Was a mail ever written here?
    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Every mail, the oldest first.
    pub async fn list(&self) -> Result<Vec<MailFile>> {
        let dir = self.0.clone();
        in_background(move || {
            let mut names = names(&dir)?;
            names.retain(|name| name.ends_with(".eml"));
            names.sort_unstable();
            Ok(names.into_iter().map(MailFile::of).collect())
        })
        .await
    }

    /// Deletes mails; those that are gone already are no failure.
    pub async fn delete(&self, files: Vec<MailFile>) -> Result<()> {
        let dir = self.0.clone();
        in_background(move || files.iter().try_for_each(|file| remove(&dir.join(&file.name)))).await
    }

    /// Deletes what processes left behind that died while they wrote.
    pub async fn delete_unfinished(&self, now: Timestamp) -> Result<()> {
        let dir = self.0.clone();
        in_background(move || {
            for name in names(&dir)?.iter().filter(|name| name.starts_with(UNFINISHED)) {
                let path = dir.join(name);
                let written = match std::fs::metadata(&path).and_then(|meta| meta.modified()) {
                    Ok(at) => jiff::Timestamp::try_from(at).map(Timestamp::from).unwrap_or(now),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(e) => return Err(e),
                };
                if now.since(written) >= LEFT_BEHIND {
                    remove(&path)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Writes a mail, unless it is there.
    pub(super) async fn write(&self, id: Uuid, user: Uuid, bytes: Vec<u8>) -> Result<PathBuf> {
        let dir = self.0.clone();
        in_background(move || write_file(&dir, id, user, &bytes)).await
    }
}

/// The time is the one in the id (UUIDv7), so that the name is the same at every attempt and the files sort.
fn write_file(dir: &Path, id: Uuid, user: Uuid, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let at = time_of(id).map(Timestamp::to_jiff).unwrap_or_default();
    let path = dir.join(format!("{}-{id}-{user}.eml", at.strftime("%Y%m%dT%H%M%SZ")));
    if path.try_exists()? {
        return Ok(path);
    }
    crate::storage::private_dir(dir)?;
    // Temporary files are made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|e| e.error)?;
    Ok(path)
}

fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_and_whose() {
        let (mail, user) = ("019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50", "019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f51");
        let file = MailFile::of(format!("20260302T222135Z-{mail}-{user}.eml"));
        assert_eq!(file.user, Some(user.parse().unwrap()));
        assert_eq!(file.at.map(|at| at.to_string()[..13].to_owned()).as_deref(), Some("2026-03-02T22"));
        let old = MailFile::of(format!("20260302T222135Z-{mail}.eml"));
        assert_eq!((old.user, old.at), (None, file.at));
        for other in ["letter.eml", "", "a-b.eml", "ü-üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü.eml", "x-y"]
        {
            let other = MailFile::of(other.to_owned());
            assert_eq!((other.at, other.user), (None, None));
        }
    }
}
