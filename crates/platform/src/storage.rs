//! Files of the product (documents, avatars, imports, exports), behind the interface of object storage, so
//! that a bucket can take the place of the local directory without its users noticing.
//!
//! Names are chosen by the program, never by a client: lower-case segments with an id in them. Writing is
//! atomic and durable: an object is there completely or not at all. A failure is a 503 that says whether
//! the disk is full.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, WriteMultipart};

pub use database::private_dir;
use kernel::error::{Error, Result};
use kernel::id::Random;

/// The name of a stored object, such as `documents/0198…/1`: segments of `a-z 0-9 . _ -` that begin with a
/// letter or digit, at most 255 characters in all. Upper case is left out because some file systems do not
/// tell it apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(object_store::path::Path);

impl ObjectName {
    /// Checks the name. The error is a bug of the caller, so it is a 500.
    pub fn new(name: &str) -> Result<ObjectName> {
        let wrong = || Error::internal(format!("`{}` is not the name of an object", name.escape_debug()));
        let valid = |segment: &str| {
            segment.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if name.len() > 255 || !name.split('/').all(valid) {
            return Err(wrong());
        }
        object_store::path::Path::parse(name).map(ObjectName).map_err(|_| wrong())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: ObjectName,
    /// In bytes.
    pub size: u64,
}

/// The contents of an object, piece by piece.
pub struct Contents {
    /// Of the whole object, in bytes.
    pub size: u64,
    /// The pieces. A failure in the middle ends them with an error.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

/// Where objects are kept. Cloning shares it.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
}

/// Size of the parts that a stream is written in; the smallest that S3 takes.
const PART: usize = 5 << 20;

impl Storage {
    /// A directory on this machine, which is made if it is missing.
    pub fn local(dir: &Path) -> Result<Storage> {
        let store = private_dir(dir)
            .map_err(|e| Box::new(e) as Box<dyn std::error::Error + Send + Sync>)
            .and_then(|()| Ok(LocalFileSystem::new_with_prefix(dir)?))
            .map_err(|e| {
                Error::internal(format!("the directory {} cannot be used for files", dir.display()))
                    .with_source(e)
            })?;
        Ok(Storage { store: Arc::new(store.with_fsync(true)) })
    }

    /// Writes an object, or replaces it.
    pub async fn put(&self, name: &ObjectName, contents: Bytes) -> Result<()> {
        self.store.put(&name.0, contents.into()).await.map(drop).map_err(storage_error)
    }

    /// Writes an object from pieces and returns its size. More than `limit` bytes are 413 `FILE_TOO_LARGE`.
    /// After any failure, also one of `pieces`, nothing is stored and what stood under the name stays.
    pub async fn put_stream<S>(&self, name: &ObjectName, mut pieces: S, limit: u64) -> Result<u64>
    where
        S: Stream<Item = Result<Bytes>> + Send + Unpin,
    {
        let upload = self.store.put_multipart(&name.0).await.map_err(storage_error)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        match copy(&mut upload, &mut pieces, limit).await {
            Ok(size) => upload.finish().await.map(|_| size).map_err(storage_error),
            Err(error) => {
                // The first failure is the one to tell.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    /// A whole object; `None` if there is none. Only for objects that are known to be small.
    pub async fn get(&self, name: &ObjectName) -> Result<Option<Bytes>> {
        match self.found(name).await? {
            Some(found) => found.bytes().await.map(Some).map_err(storage_error),
            None => Ok(None),
        }
    }

    /// Some bytes of an object; fewer, or none, where the range reaches beyond its end.
    pub async fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Option<Bytes>> {
        let Some(size) = self.size(name).await? else { return Ok(None) };
        if range.start >= size || range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        absent(self.store.get_range(&name.0, range.start..range.end.min(size)).await)
    }

    /// An object piece by piece; `None` if there is none.
    pub async fn get_stream(&self, name: &ObjectName) -> Result<Option<Contents>> {
        let found = self.found(name).await?;
        Ok(found.map(|found| Contents {
            size: found.meta.size,
            pieces: found.into_stream().map_err(storage_error).boxed(),
        }))
    }

    /// Removes an object; that there is none is no error, so it can be repeated.
    pub async fn delete(&self, name: &ObjectName) -> Result<()> {
        absent(self.store.delete(&name.0).await).map(drop)
    }

    /// The object's size in bytes; `None` if there is none.
    pub async fn size(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(absent(self.store.head(&name.0).await)?.map(|meta| meta.size))
    }

    /// Is there such an object?
    pub async fn exists(&self, name: &ObjectName) -> Result<bool> {
        Ok(self.size(name).await?.is_some())
    }

    /// A page of the objects whose names begin with the segments of `prefix`, in the order of their names,
    /// after `after`. A page that is not full is the last one.
    pub async fn list(
        &self,
        prefix: &ObjectName,
        after: Option<&ObjectName>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let mut found = match after {
            Some(after) => self.store.list_with_offset(Some(&prefix.0), &after.0),
            None => self.store.list(Some(&prefix.0)),
        };
        // A directory lists in no order, so the smallest names are kept while all of them pass: memory is
        // bounded by the page.
        let mut page = std::collections::BTreeMap::new();
        while let Some(meta) = found.next().await {
            let Some(meta) = absent(meta)? else { continue };
            page.insert(ObjectName(meta.location), meta.size);
            if page.len() > limit {
                page.pop_last();
            }
        }
        Ok(page.into_iter().map(|(name, size)| Stored { name, size }).collect())
    }

    /// Writes, reads and removes a small object, for `doctor` and the readiness check.
    pub async fn check(&self, random: &Random) -> Result<()> {
        let probe: [u8; 16] = random.bytes();
        let name = ObjectName::new(&format!("probe/{}", data_encoding::HEXLOWER.encode(&probe)))?;
        self.put(&name, Bytes::copy_from_slice(&probe)).await?;
        let read = self.get(&name).await;
        self.delete(&name).await?;
        match read? {
            Some(read) if read == probe[..] => Ok(()),
            _ => Err(unavailable().with_source("a probe was read back differently than it was written")),
        }
    }

    async fn found(&self, name: &ObjectName) -> Result<Option<GetResult>> {
        absent(self.store.get(&name.0).await)
    }
}

async fn copy<S>(upload: &mut WriteMultipart, pieces: &mut S, limit: u64) -> Result<u64>
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let mut size = 0;
    while let Some(piece) = pieces.try_next().await? {
        size += piece.len() as u64;
        if size > limit {
            let detail = format!("the file is larger than the {limit} bytes that are accepted");
            return Err(Error::new(kernel::error::Kind::TooLarge, "FILE_TOO_LARGE", detail));
        }
        // Two parts on their way bound the memory of a slow disk and a fast client.
        upload.wait_for_capacity(2).await.map_err(storage_error)?;
        upload.put(piece);
    }
    Ok(size)
}

/// "Not found" as `None`.
fn absent<T>(result: object_store::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(storage_error(error)),
    }
}

/// A failure of a disk or a bucket as an error of ours: 503, and whether the disk is full.
pub(crate) fn storage_error(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(here) = cause {
        let io = here.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded)) {
            let detail = "the storage for files is full; somebody must make room before files can be saved";
            return Error::unavailable("STORAGE_FULL", detail, Duration::from_secs(60)).with_source(error);
        }
        cause = here.source();
    }
    unavailable().with_source(error)
}

fn unavailable() -> Error {
    let detail = "the storage for files does not work at the moment; try again later";
    Error::unavailable("STORAGE_UNAVAILABLE", detail, Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::new(text).unwrap()
    }

    fn storage() -> (tempfile::TempDir, Storage) {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::local(&dir.path().join("data/files")).unwrap();
        (dir, storage)
    }

    fn pieces(parts: Vec<Result<Bytes>>) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
        futures_util::stream::iter(parts)
    }

    #[test]
    fn names_cannot_leave_the_storage() {
        for text in ["a", "documents/0198-ab/1.bin", "a/b.c_d"] {
            assert_eq!(name(text).as_str(), text);
        }
        let long = "a".repeat(256);
        for text in
            ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "A", "a b", "a#1", "a\\b", "ä", &long]
        {
            assert!(ObjectName::new(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn objects_are_written_read_and_removed() {
        let (_dir, storage) = storage();
        let one = name("documents/1");
        assert!(storage.get(&one).await.unwrap().is_none());
        assert!(storage.get_stream(&one).await.unwrap().is_none());
        storage.put(&one, Bytes::from_static(b"first")).await.unwrap();
        storage.put(&one, Bytes::from_static(b"0123456789")).await.unwrap();
        assert_eq!(storage.get(&one).await.unwrap().unwrap(), "0123456789");
        assert_eq!(storage.size(&one).await.unwrap(), Some(10));
        let range = async |range| storage.get_range(&one, range).await.unwrap().unwrap();
        assert_eq!(range(2..5).await, "234");
        assert_eq!(range(8..99).await, "89");
        assert_eq!(range(10..11).await, "");
        assert_eq!(range(3..3).await, "");
        assert!(storage.get_range(&name("none"), 0..1).await.unwrap().is_none());
        let contents = storage.get_stream(&one).await.unwrap().unwrap();
        assert_eq!(contents.size, 10);
        let read: Vec<Bytes> = contents.pieces.try_collect().await.unwrap();
        assert_eq!(read.concat(), b"0123456789");
        storage.delete(&one).await.unwrap();
        storage.delete(&one).await.unwrap();
        assert!(!storage.exists(&one).await.unwrap());
    }

    #[tokio::test]
    async fn a_stream_is_stored_completely_or_not_at_all() {
        let (dir, storage) = storage();
        let one = name("imports/1");
        let big = Bytes::from(vec![7; PART + 10]);
        let parts = || vec![Ok(big.clone()), Ok(Bytes::from_static(b"end"))];
        let size = big.len() as u64 + 3;
        assert_eq!(storage.put_stream(&one, pieces(parts()), size).await.unwrap(), size);
        let stored = storage.get(&one).await.unwrap().unwrap();
        assert!(stored.len() as u64 == size && stored.ends_with(b"\x07end"));
        let refused = storage.put_stream(&one, pieces(parts()), size - 1).await.unwrap_err();
        assert_eq!(refused.code(), "FILE_TOO_LARGE");
        let broken = vec![Ok(Bytes::from_static(b"half")), Err(Error::bad_request("BODY_CUT", "cut off"))];
        let refused = storage.put_stream(&one, pieces(broken), size).await.unwrap_err();
        assert_eq!(refused.code(), "BODY_CUT");
        assert_eq!(storage.size(&one).await.unwrap(), Some(size));
        assert_eq!(storage.put_stream(&name("imports/empty"), pieces(vec![]), 0).await.unwrap(), 0);
        assert_eq!(storage.get(&name("imports/empty")).await.unwrap().unwrap(), "");
        let files = std::fs::read_dir(dir.path().join("data/files/imports")).unwrap();
        let files: std::collections::BTreeSet<_> = files.map(|f| f.unwrap().file_name()).collect();
        assert_eq!(files, ["1".into(), "empty".into()].into(), "nothing half-written stays");
    }

    #[tokio::test]
    async fn listing_goes_page_by_page_in_order() {
        let (_dir, storage) = storage();
        for n in [5, 3, 9, 1, 7] {
            storage.put(&name(&format!("d/{n}/x")), Bytes::from_static(b"x")).await.unwrap();
        }
        storage.put(&name("d2/1"), Bytes::new()).await.unwrap();
        let mut seen = Vec::new();
        let mut after: Option<ObjectName> = None;
        loop {
            let page = storage.list(&name("d"), after.as_ref(), 2).await.unwrap();
            seen.extend(page.iter().map(|one| one.name.to_string()));
            if page.len() < 2 {
                break;
            }
            after = page.last().map(|one| one.name.clone());
        }
        assert_eq!(seen, ["d/1/x", "d/3/x", "d/5/x", "d/7/x", "d/9/x"]);
        assert!(storage.list(&name("nothing"), None, 2).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_storage_that_fails_says_how() {
        let (dir, storage) = storage();
        storage.check(&Random::System).await.unwrap();
        assert!(storage.list(&name("probe"), None, 9).await.unwrap().is_empty());
        std::fs::remove_dir_all(dir.path().join("data")).unwrap();
        std::fs::write(dir.path().join("data"), "a file in the way").unwrap();
        let error = storage.check(&Random::System).await.unwrap_err();
        assert_eq!((error.code(), error.kind().status()), ("STORAGE_UNAVAILABLE", 503));
        assert_eq!(Storage::local(&dir.path().join("data")).err().unwrap().code(), "INTERNAL_ERROR");
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let full = storage_error(object_store::Error::Generic { store: "test", source: Box::new(full) });
        assert_eq!(full.code(), "STORAGE_FULL");
        assert!(full.wait().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_enter_the_directory() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, _storage) = storage();
        for part in ["data", "data/files"] {
            let mode = std::fs::metadata(dir.path().join(part)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }
}
