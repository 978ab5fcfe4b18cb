//! An image of a stranger becomes three of ours.
//!
//! - here: who may wait for it, and what is made of the image;
//! - `read`: the image as pixels, within the memory that there is for it.

mod read;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identity::users::model::AVATAR_SIZES;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbaImage};
use kernel::{Error, Kind, Result};
use parking_lot::Mutex;
use platform::access::Actor;
use platform::app::{Parts, ProcessState};
use tokio::sync::{Semaphore, TryAcquireError};

/// Accounts whose images wait at once for their turn, the one that is read included. One image is read at a time: it takes
/// a core, and the memory of `avatars.memory_mb`.
const PLACES: usize = 16;
/// Images of one account that wait for each other; only the first takes a place among the others.
const OF_ONE: usize = 8;
/// Of 100: no loss that one sees at this size.
const JPEG_QUALITY: u8 = 85;

/// The three sizes of a picture, in the order of [`AVATAR_SIZES`].
pub struct Pictures {
    /// PNG, because something shines through; otherwise JPEG.
    pub png: bool,
    /// The files.
    pub files: [Bytes; 3],
}

/// The one place where images are decoded: one at a time, since a small file may hold a large image. Who waits is bounded, by
/// account first, so that nobody's many uploads take the places of others. What waits is on disk. Cloning shares it.
#[derive(Clone)]
pub struct ImageDecoder {
    memory: u64,
    lines: Arc<Mutex<HashMap<Actor, AccountQueue>>>,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// The images of one account, one behind the other.
struct AccountQueue {
    turn: Arc<Semaphore>,
    length: usize,
}

/// A place in the line of an account, given back when it is dropped.
struct QueuePlace {
    lines: Arc<Mutex<HashMap<Actor, AccountQueue>>>,
    who: Actor,
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        if let Some(line) = lines.get_mut(&self.who) {
            line.length -= 1;
            if line.length == 0 {
                lines.remove(&self.who);
            }
        }
    }
}

impl ProcessState for ImageDecoder {
    fn new(parts: &Parts) -> ImageDecoder {
        ImageDecoder::with_memory(parts.config.avatar_memory)
    }
}

impl ImageDecoder {
    /// A studio in which reading an image takes `memory` bytes at most.
    pub fn with_memory(memory: u64) -> ImageDecoder {
        ImageDecoder {
            memory,
            lines: Arc::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            running: Arc::new(Semaphore::new(1)),
        }
    }

    /// Makes the pictures of the image in a file. 415 `IMAGE_TYPE_UNSUPPORTED`, 422 `IMAGE_TOO_LARGE` and `IMAGE_BROKEN`, 503
    /// `IMAGES_BUSY`.
    pub async fn make(&self, who: Actor, file: File) -> Result<Pictures> {
        let (in_line, turn) = self.join(who)?;
        let closed = |e: tokio::sync::AcquireError| Error::internal("the studio is closed").with_source(e);
        let own = turn.acquire_owned().await.map_err(closed)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|e| match e {
            TryAcquireError::NoPermits => busy("Too many images are being read at this moment"),
            TryAcquireError::Closed => Error::internal("the studio is closed"),
        })?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(closed)?;
        let memory = self.memory;
        // All go with the work, which cannot be stopped when its caller is gone.
        let work = tokio::task::spawn_blocking(move || {
            let made = contents(file).and_then(|bytes| pictures(&bytes, memory));
            drop((turn, place, own, in_line));
            made
        });
        work.await.map_err(|e| broken().with_source(e))?
    }

    fn join(&self, who: Actor) -> Result<(QueuePlace, Arc<Semaphore>)> {
        let mut lines = self.lines.lock();
        let line =
            lines.entry(who).or_insert_with(|| AccountQueue { turn: Arc::new(Semaphore::new(1)), length: 0 });
        if line.length >= OF_ONE {
            return Err(busy("Your images before this one are still being read"));
        }
        line.length += 1;
        Ok((QueuePlace { lines: Arc::clone(&self.lines), who }, Arc::clone(&line.turn)))
    }
}

fn busy(why: &str) -> Error {
    let detail = format!("{why}; try again in a few seconds");
    Error::unavailable("IMAGES_BUSY", detail, Duration::from_secs(3))
}

fn contents(mut file: File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = file.read_to_end(&mut bytes);
    read.map_err(|e| Error::internal("an upload that was put aside cannot be read").with_source(e))?;
    if bytes.is_empty() { Err(empty()) } else { Ok(bytes) }
}

/// Decodes, crops to a square, turns upright, and encodes. Nothing of the file but its pixels is kept.
fn pictures(bytes: &[u8], memory: u64) -> Result<Pictures> {
    let (mut square, orientation) = read::middle(bytes, memory)?;
    turn(&mut square, orientation);
    let png = square.pixels().any(|pixel| pixel.0[3] < 255);
    let mut files = Vec::with_capacity(AVATAR_SIZES.len());
    for size in AVATAR_SIZES.into_iter().rev() {
        if square.width() > size {
            square = resize(&square, size, size, FilterType::CatmullRom);
        }
        files.insert(0, encoded(&square, png)?);
    }
    let files = <[Bytes; 3]>::try_from(files).map_err(|_| Error::internal("there are three sizes"))?;
    Ok(Pictures { png, files })
}

fn turn(square: &mut RgbaImage, orientation: Orientation) {
    let mut image = DynamicImage::ImageRgba8(std::mem::take(square));
    image.apply_orientation(orientation);
    *square = image.into_rgba8();
}

fn encoded(square: &RgbaImage, png: bool) -> Result<Bytes> {
    let mut file = Cursor::new(Vec::new());
    let written = match png {
        true => square.write_to(&mut file, ImageFormat::Png),
        false => {
            let opaque = DynamicImage::ImageRgba8(square.clone()).into_rgb8();
            opaque.write_with_encoder(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY))
        }
    };
    written.map_err(|e| Error::internal("a picture could not be written").with_source(e))?;
    Ok(file.into_inner().into())
}

/// 415 for what is no image that we read.
pub fn unsupported() -> Error {
    let detail = "Send a JPEG, PNG, GIF or WebP image, with its type as Content-Type";
    Error::new(Kind::UnsupportedMedia, "IMAGE_TYPE_UNSUPPORTED", detail)
}

/// 400 for a body without a byte: mostly a program that did not find its file.
fn empty() -> Error {
    let detail = "The body is empty; send the image itself, and look whether its file was found";
    Error::bad_request("BODY_EMPTY", detail)
}

fn broken() -> Error {
    Error::new(
        Kind::Invalid,
        "IMAGE_BROKEN",
        "The image cannot be read to its end; save it anew and send it again",
    )
}
