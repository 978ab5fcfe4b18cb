//! An image of a stranger becomes three of ours.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identity::users::model::AVATAR_SIZES;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use kernel::{Error, Kind, Result};
use tokio::sync::{Semaphore, TryAcquireError};

/// Most pixels of an image that is decoded: what telephones take.
const MOST_PIXELS: u64 = 50_000_000;
/// Most memory that a decoder may take. Enough for the pixels, at four bytes each.
const MOST_BYTES: u64 = 220 << 20;
/// Images that are decoded at once. Each takes a core and, at worst, the memory above.
const AT_ONCE: usize = 1;
/// Uploads that may wait for their turn; their bodies are in memory.
const WAITING: usize = 15;
/// Of 100: no loss that one sees at this size.
const JPEG_QUALITY: u8 = 85;

/// The three sizes of a picture, in the order of [`AVATAR_SIZES`].
pub struct Pictures {
    /// PNG, because something shines through; otherwise JPEG.
    pub png: bool,
    /// The files.
    pub files: [Bytes; 3],
}

/// The one place where images are decoded: one at a time, with a bounded queue, since a small file may hold a large
/// image. Cloning shares it.
#[derive(Clone)]
pub struct Studio {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Studio {
    fn default() -> Studio {
        Studio {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            running: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Studio {
    /// Makes the pictures. 415 `IMAGE_TYPE_UNSUPPORTED`, 422 `IMAGE_TOO_LARGE` and `IMAGE_BROKEN`, 503 `IMAGES_BUSY`.
    pub async fn make(&self, bytes: Bytes) -> Result<Pictures> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|e| match e {
            TryAcquireError::NoPermits => Error::unavailable(
                "IMAGES_BUSY",
                "Too many images are being read at this moment; try again in a few seconds",
                Duration::from_secs(3),
            ),
            TryAcquireError::Closed => Error::internal("the studio is closed"),
        })?;
        let turn = Arc::clone(&self.running).acquire_owned().await;
        let turn = turn.map_err(|e| Error::internal("the studio is closed").with_source(e))?;
        // Both go with the work, which cannot be stopped when its caller is gone.
        let work = tokio::task::spawn_blocking(move || {
            let made = pictures(&bytes);
            drop((turn, place));
            made
        });
        work.await.map_err(|e| broken().with_source(e))?
    }
}

/// Decodes, crops to a square, turns upright, and encodes. Nothing of the file but its pixels is kept.
fn pictures(bytes: &[u8]) -> Result<Pictures> {
    let (image, orientation) = decoded(bytes)?;
    let mut square = square(&image);
    drop(image);
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

fn decoded(bytes: &[u8]) -> Result<(DynamicImage, Orientation)> {
    let supported = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP];
    // By content: what the sender calls it means nothing.
    let format = image::guess_format(bytes).ok().filter(|format| supported.contains(format));
    let format = format.ok_or_else(unsupported)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large());
    }
    if width == 0 || height == 0 {
        return Err(broken());
    }
    limits.reserve(decoder.total_bytes()).map_err(refused)?;
    decoder.set_limits(limits).map_err(refused)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok((image, orientation))
}

/// The middle of the image, at most as large as the largest picture. A small image is not made larger.
fn square(image: &DynamicImage) -> RgbaImage {
    let (width, height) = image.dimensions();
    let side = width.min(height);
    let [.., largest] = AVATAR_SIZES;
    let middle = crop_imm(image, (width - side) / 2, (height - side) / 2, side, side);
    match side > largest {
        true => resize(&*middle, largest, largest, FilterType::CatmullRom),
        false => middle.to_image(),
    }
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
pub fn empty() -> Error {
    let detail = "The body is empty; send the image itself, and look whether its file was found";
    Error::bad_request("BODY_EMPTY", detail)
}

fn too_large() -> Error {
    let detail =
        format!("The image has more than {} million pixels; send a smaller one", MOST_PIXELS / 1_000_000);
    Error::new(Kind::Invalid, "IMAGE_TOO_LARGE", detail)
}

fn broken() -> Error {
    Error::new(
        Kind::Invalid,
        "IMAGE_BROKEN",
        "The image cannot be read to its end; save it anew and send it again",
    )
}

fn refused(e: image::ImageError) -> Error {
    match e {
        image::ImageError::Limits(_) => too_large(),
        e => broken().with_source(e),
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba};
    use proptest::prelude::*;

    use super::*;

    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    /// Red above, blue below.
    fn halves(width: u32, height: u32) -> DynamicImage {
        let color = |_, y| if y < height / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, color))
    }

    fn read(file: &Bytes) -> RgbaImage {
        image::load_from_memory(file).unwrap().into_rgba8()
    }

    fn code(bytes: &[u8]) -> &'static str {
        pictures(bytes).err().unwrap().code()
    }

    /// A JPEG with an orientation, as cameras write it, and a comment that must not survive.
    fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let tiff = [
            b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0],
            b"taken at home",
        ]
        .concat();
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &tiff, &jpeg[2..]].concat()
    }

    #[test]
    fn every_format_becomes_three_squares() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let made = pictures(&file(&halves(900, 600), format)).unwrap();
            assert!(!made.png, "{format:?}");
            for (file, size) in made.files.iter().zip(AVATAR_SIZES) {
                let picture = read(file);
                assert_eq!(picture.dimensions(), (size, size), "{format:?}");
                let [above, below] = [picture.get_pixel(size / 2, 2), picture.get_pixel(size / 2, size - 3)];
                assert!(above.0[0] > 200 && below.0[2] > 200, "{format:?}: {above:?} {below:?}");
            }
        }
    }

    #[test]
    fn a_small_image_is_not_made_larger_and_what_shines_through_stays() {
        let dot = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0]));
        let made = pictures(&file(&DynamicImage::ImageRgba8(dot), ImageFormat::Png)).unwrap();
        assert!(made.png);
        assert!(made.files.iter().all(|file| read(file).dimensions() == (1, 1)));
        assert_eq!(read(&made.files[0]).get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn a_picture_is_turned_upright_and_keeps_nothing_but_its_pixels() {
        let jpeg = with_exif(&file(&halves(300, 300), ImageFormat::Jpeg), 6);
        let made = pictures(&jpeg).unwrap();
        // Turned clockwise: what was above is at the right.
        let picture = read(&made.files[2]);
        assert!(picture.get_pixel(295, 150).0[0] > 200 && picture.get_pixel(5, 150).0[2] > 200);
        for file in &made.files {
            let has = |words: &[u8]| file.windows(words.len()).any(|window| window == words);
            assert!(!has(b"Exif") && !has(b"taken at home"));
        }
    }

    #[test]
    fn a_print_in_four_inks_is_read() {
        let cmyk = include_bytes!("../../tests/cmyk.jpg");
        let made = pictures(cmyk).unwrap();
        let pixel = read(&made.files[0]).get_pixel(8, 8).0;
        assert!(pixel[0] > 180 && pixel[1] < 90 && pixel[2] < 90, "red, not its negative: {pixel:?}");
    }

    #[test]
    fn of_an_animation_the_first_image_is_taken() {
        let mut gif = Cursor::new(Vec::new());
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        for color in [[255, 0, 0, 255], [0, 255, 0, 255]] {
            encoder.encode_frame(image::Frame::new(RgbaImage::from_pixel(80, 80, Rgba(color)))).unwrap();
        }
        drop(encoder);
        let made = pictures(gif.get_ref()).unwrap();
        assert!(read(&made.files[0]).get_pixel(9, 9).0[0] > 200);
    }

    /// The head of a PNG that promises 30,000 by 30,000 pixels.
    fn bomb() -> Vec<u8> {
        let mut png = file(&halves(8, 8), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        let mut crc = !0u32;
        for byte in &png[12..29] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        png[29..33].copy_from_slice(&(!crc).to_be_bytes());
        png
    }

    #[test]
    fn hostile_files_are_refused() {
        assert_eq!(code(&bomb()), "IMAGE_TOO_LARGE");
        for text in
            [&b""[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF", b"%PDF-1.7", b"BM\0\0", b"II*\0"]
        {
            assert_eq!(code(text), "IMAGE_TYPE_UNSUPPORTED", "{text:?}");
        }
        let png = file(&halves(300, 200), ImageFormat::Png);
        for cut in [9, 30, png.len() / 2] {
            assert_eq!(code(&png[..cut]), "IMAGE_BROKEN", "{cut}");
        }
        assert_eq!(code(b"\xff\xd8\xff\xe0garbage"), "IMAGE_BROKEN");
        assert_eq!(code(b"RIFF\x10\0\0\0WEBPVP8 garbage!"), "IMAGE_BROKEN");
    }

    #[tokio::test]
    async fn past_the_queue_the_answer_is_503() {
        let studio = Studio::default();
        let turn = studio.running.clone().acquire_owned().await.unwrap();
        let image: Bytes = file(&halves(8, 8), ImageFormat::Png).into();
        let mut waiting: Vec<_> =
            (0..AT_ONCE + WAITING).map(|_| Box::pin(studio.make(image.clone()))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one.as_mut()).is_pending());
        }
        assert_eq!(studio.make(image.clone()).await.err().unwrap().code(), "IMAGES_BUSY");
        drop(turn);
        for one in waiting {
            one.await.unwrap();
        }
        studio.make(image).await.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_file_is_too_strange(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
            for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
                let mut bytes = file(&halves(20, 30), format);
                let at = at % bytes.len();
                bytes[at] = byte;
                bytes.truncate(bytes.len().saturating_sub(cut % 40));
                let _ = pictures(&bytes);
            }
        }
    }
}
