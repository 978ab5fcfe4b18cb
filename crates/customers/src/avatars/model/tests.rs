//! Images of every kind, good and hostile.

use std::io::{Seek, Write};

use image::{Rgb, RgbImage, Rgba};
use platform::test::pictures as hostile;
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

/// As the server does by default.
const MEMORY: u64 = 128 << 20;

fn pictures(bytes: &[u8]) -> Result<Pictures> {
    super::pictures(bytes, MEMORY)
}

fn upload(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
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
    let cmyk = include_bytes!("../../../tests/cmyk.jpg");
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

#[test]
fn what_needs_too_much_is_refused_by_its_head() {
    // Large in memory, small as files; the profile of the last is not looked at.
    assert_eq!(code(&hostile::progressive_jpeg(7071, 7071)), "IMAGE_TOO_LARGE");
    assert_eq!(code(&hostile::progressive_jpeg(65_500, 760)), "IMAGE_TOO_LARGE");
    assert!(pictures(&hostile::png_with_profile(40 << 20)).is_ok());
    let fine = hostile::progressive_jpeg(900, 700);
    assert!(pictures(&fine).is_ok());
    for (memory, fits) in [(48, false), (64, true)] {
        let made = super::pictures(&hostile::progressive_jpeg(2050, 2050), memory << 20);
        assert_eq!(made.is_ok(), fits, "{memory} MiB");
    }
    // More scans than any camera writes: each would take the time of a whole image.
    let (head, end) = (fine.len() - 2, fine.len());
    let scan = fine.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
    let many = [&fine[..head], &fine[scan..head].repeat(64), &fine[head..end]].concat();
    assert_eq!(code(&many), "IMAGE_BROKEN");
}

#[test]
fn what_is_made_smaller_on_the_way_looks_the_same() {
    // Larger than a decoder gives it: each way of making it smaller at once.
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let made = pictures(&file(&halves(2060, 2050), format)).unwrap();
        let picture = read(&made.files[2]);
        assert_eq!(picture.dimensions(), (512, 512));
        for (y, channel) in [(3, 0), (250, 0), (261, 2), (508, 2)] {
            let pixel = picture.get_pixel(256, y).0;
            assert!(pixel[channel] > 200 && pixel[2 - channel] < 60, "{format:?} {y}: {pixel:?}");
        }
    }
}

#[test]
fn a_cell_is_the_mean_of_its_pixels_and_what_shines_through_keeps_its_colour() {
    // The middle of 7 by 5: two by two cells of two by two pixels, red beside glass of another colour.
    let mut cells = read::Cells::of((7, 5), 2);
    for y in 0..5u8 {
        let row: Vec<u8> =
            (0..7u8).flat_map(|x| if x % 2 == 0 { [255, 0, y, 255] } else { [0, 255, 0, 0] }).collect();
        cells.row(&row, 4, |p| [p[0], p[1], p[2], p[3]]);
    }
    let image = cells.image().unwrap();
    assert_eq!(image.dimensions(), (2, 2));
    assert_eq!(image.get_pixel(0, 0).0, [255, 0, 0, 127]);
    assert_eq!(image.get_pixel(1, 1).0, [255, 0, 2, 127]);
    let short = read::Cells::of((7, 5), 2);
    assert_eq!(short.image().err().unwrap().code(), "IMAGE_BROKEN");
}

#[tokio::test]
async fn one_account_waits_in_its_own_line_and_leaves_places_for_others() {
    let studio = ImageDecoder::with_memory(MEMORY);
    let turn = studio.running.clone().acquire_owned().await.unwrap();
    let image = file(&halves(8, 8), ImageFormat::Png);
    let user = |n: u128| Actor::User(uuid::Uuid::from_u128(n));
    let begin = |n| Box::pin(studio.make(user(n), upload(&image)));
    let mut waiting: Vec<_> = (0..OF_ONE).map(|_| begin(0)).collect();
    waiting.extend((1..PLACES as u128).map(begin));
    for one in &mut waiting {
        assert!(futures_util::poll!(one.as_mut()).is_pending());
    }
    // No more of one account, and no more accounts.
    assert_eq!(begin(0).await.err().unwrap().code(), "IMAGES_BUSY");
    assert_eq!(begin(99).await.err().unwrap().code(), "IMAGES_BUSY");
    drop(turn);
    for made in futures_util::future::join_all(waiting).await {
        made.unwrap();
    }
    assert!(studio.lines.lock().is_empty());
    begin(0).await.unwrap();
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
