//! Any image becomes its middle square, not much larger than the largest picture, within the memory that there is.
//!
//! What an image needs is known from its head, and one that needs more is refused before any of it is decoded. JPEG is made
//! smaller while it is decoded and PNG row by row, so that these need little where others need all their pixels. Colour
//! profiles and texts, of which a small file may hold gigabytes, are not looked at.

use std::io::Cursor;

use identity::users::model::AVATAR_SIZES;
use image::imageops::{FilterType, crop_imm, resize};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use kernel::{Error, Kind, Result};

use super::{broken, unsupported};

/// Most pixels of an image that is read, for the time that it takes: what telephones take.
const MOST_PIXELS: u64 = 50_000_000;
/// Most scans of a JPEG: each goes over all of the image, and usual are ten.
const MOST_SCANS: usize = 64;
/// Pixels of a side from which an image is made smaller well.
const ENOUGH: u32 = AVATAR_SIZES[AVATAR_SIZES.len() - 1] * 2;
/// What the file and its square take beside the decoder.
const BESIDE: u64 = 24 << 20;

/// The middle of an image, and how to turn it. `memory`: bytes for all of it.
pub fn middle(bytes: &[u8], memory: u64) -> Result<(RgbaImage, Orientation)> {
    let budget = Budget(memory.saturating_sub(BESIDE));
    // By content: what the sender calls it means nothing.
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg(bytes, &budget),
        Ok(ImageFormat::Png) => png(bytes, &budget),
        Ok(format @ (ImageFormat::Gif | ImageFormat::WebP)) => whole(bytes, format, &budget),
        _ => Err(unsupported()),
    }
}

/// Bytes that a decoder may take.
struct Budget(u64);

impl Budget {
    /// 422 for an image without pixels, with too many, or that needs too much.
    fn allow(&self, (width, height): (u32, u32), needed: u64) -> Result<()> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(broken());
        }
        if pixels > MOST_PIXELS || needed > self.0 {
            let detail = format!(
                "The image has {width} by {height} pixels, too many to be read here; send a smaller one"
            );
            return Err(Error::new(Kind::Invalid, "IMAGE_TOO_LARGE", detail));
        }
        Ok(())
    }
}

/// Its head as far as memory depends on it, and its scans.
struct JpegHead {
    size: (u32, u32),
    progressive: bool,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u64, u64)>,
    scans: usize,
}

impl JpegHead {
    fn parse(bytes: &[u8]) -> Option<JpegHead> {
        let mut head: Option<JpegHead> = None;
        let mut scans = 0;
        let mut at = 2;
        while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff)) {
            at += found + 1;
            let marker = *bytes.get(at).unwrap_or(&0xd9);
            // Fill bytes, bytes of the image, restarts: no segments.
            if matches!(marker, 0xff | 0 | 1 | 0xd0..=0xd8) {
                at += usize::from(marker != 0xff);
                continue;
            }
            if marker == 0xd9 {
                break;
            }
            let length = bytes.get(at + 1..at + 3)?;
            let segment = bytes.get(at + 3..at + 1 + usize::from(u16::from_be_bytes([length[0], length[1]])));
            match (marker, segment) {
                (0xc0..=0xc2, Some(frame)) if head.is_none() => head = Some(JpegHead::frame(marker, frame)?),
                (0xda, _) => scans += 1,
                _ => {}
            }
            at += 3 + segment.map_or(0, <[u8]>::len);
        }
        head.map(|head| JpegHead { scans, ..head })
    }

    fn frame(marker: u8, frame: &[u8]) -> Option<JpegHead> {
        let number = |at: usize| Some(u32::from(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?])));
        let sampling = |c: &[u8]| (u64::from(c[1] >> 4), u64::from(c[1] & 15));
        Some(JpegHead {
            size: (number(3)?, number(1)?),
            progressive: marker == 0xc2,
            sampling: frame.get(6..)?.chunks_exact(3).take(4).map(sampling).collect(),
            scans: 0,
        })
    }

    /// Most bytes that decoding takes, when the result has `pixels`. The coefficients wait for the thread that makes pixels
    /// of them; a progressive image keeps all of them, and hands over a copy of one component at a time.
    fn needs(&self, pixels: u64) -> u64 {
        let across =
            |side: u32, sampling: u64, most: u64| u64::from(side).div_ceil(8 * most.max(1)) * sampling;
        let most = |of: fn(&(u64, u64)) -> u64| self.sampling.iter().map(of).max().unwrap_or(1);
        let (most_h, most_v) = (most(|s| s.0), most(|s| s.1));
        let component =
            |(h, v): &(u64, u64)| across(self.size.0, *h, most_h) * across(self.size.1, *v, most_v) * 128;
        let all: u64 = self.sampling.iter().map(component).sum();
        let copy = self.sampling.iter().map(component).max().filter(|_| self.progressive);
        let components = self.sampling.len() as u64;
        // Each component apart, and all together.
        all + copy.unwrap_or(0) + pixels * components * 2
    }
}

/// Decoded no larger than needed: the transformation gives an image of a half, a quarter or an eighth as well.
fn jpeg(bytes: &[u8], budget: &Budget) -> Result<(RgbaImage, Orientation)> {
    let refused = |e: jpeg_decoder::Error| broken().with_source(e);
    let head = JpegHead::parse(bytes).filter(|head| head.scans <= MOST_SCANS).ok_or_else(broken)?;
    budget.allow(head.size, head.needs(0))?;
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.read_info().map_err(refused)?;
    let (width, height) = head.size;
    let info = decoder.info().filter(|info| (u32::from(info.width), u32::from(info.height)) == head.size);
    let info = info.ok_or_else(broken)?;
    let short = width.min(height);
    // Both sides alike, because one that is reached is enough for the decoder.
    let wanted = |side: u32| {
        let side = if short > ENOUGH { (side * ENOUGH).div_ceil(short) } else { side };
        u16::try_from(side).unwrap_or(u16::MAX)
    };
    let (scaled_width, scaled_height) = decoder.scale(wanted(width), wanted(height)).map_err(refused)?;
    budget.allow(head.size, head.needs(u64::from(scaled_width) * u64::from(scaled_height)))?;
    let pixels = decoder.decode().map_err(refused)?;
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let width = usize::from(scaled_width);
    let channels = info.pixel_format.pixel_bytes();
    let rgba: fn(&[u8]) -> [u8; 4] = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => |p| [p[0], p[0], p[0], 255],
        jpeg_decoder::PixelFormat::RGB24 => |p| [p[0], p[1], p[2], 255],
        jpeg_decoder::PixelFormat::CMYK32 => |p| {
            let light = |ink: u8| (u16::from(255 - ink) * u16::from(255 - p[3]) / 255) as u8;
            [light(p[0]), light(p[1]), light(p[2]), 255]
        },
        jpeg_decoder::PixelFormat::L16 => return Err(broken()),
    };
    let mut cells = Cells::of((u32::from(scaled_width), u32::from(scaled_height)), 1);
    for row in pixels.chunks_exact(width * channels) {
        cells.row(row, channels, rgba);
    }
    Ok((cells.image()?, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// Decoded row by row, and made smaller on the way; interlaced ones as a whole.
fn png(bytes: &[u8], budget: &Budget) -> Result<(RgbaImage, Orientation)> {
    let refused = |e: png::DecodingError| broken().with_source(e);
    let limits = png::Limits { bytes: usize::try_from(budget.0).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let head = decoder.read_header_info().map_err(refused)?;
    let (size, interlaced) = (head.size(), head.interlaced);
    // As it is stored, 16 bits of four channels at most, and as it is given.
    let line = u64::from(size.0) * (8 + 4);
    let all = if interlaced { u64::from(size.0) * u64::from(size.1) * 4 } else { 0 };
    budget.allow(size, line * 4 + all)?;
    let mut reader = decoder.read_info().map_err(refused)?;
    let orientation = reader.info().exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    let channels = reader.output_color_type().0.samples();
    let rgba: fn(&[u8]) -> [u8; 4] = match channels {
        1 => |p| [p[0], p[0], p[0], 255],
        2 => |p| [p[0], p[0], p[0], p[1]],
        3 => |p| [p[0], p[1], p[2], 255],
        _ => |p| [p[0], p[1], p[2], p[3]],
    };
    let mut cells = Cells::of(size, size.0.min(size.1) / ENOUGH);
    if interlaced {
        let mut all = vec![0; reader.output_buffer_size().ok_or_else(broken)?];
        reader.next_frame(&mut all).map_err(refused)?;
        for row in all.chunks_exact(size.0 as usize * channels) {
            cells.row(row, channels, rgba);
        }
    } else {
        while let Some(row) = reader.next_row().map_err(refused)? {
            cells.row(row.data(), channels, rgba);
        }
    }
    Ok((cells.image()?, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// The middle square of an image that comes row by row, each cell the mean of `by` times `by` pixels.
pub(super) struct Cells {
    by: u32,
    side: u32,
    left: u32,
    top: u32,
    /// The rows that came.
    rows: u32,
    /// Of the row of cells that is being filled: colours times opacity, and opacity.
    sums: Vec<[u32; 4]>,
    pixels: Vec<u8>,
}

impl Cells {
    pub(super) fn of((width, height): (u32, u32), by: u32) -> Cells {
        let by = by.max(1);
        let side = width.min(height) / by;
        let (left, top) = ((width - side * by) / 2, (height - side * by) / 2);
        let pixels = Vec::with_capacity(side as usize * side as usize * 4);
        Cells { by, side, left, top, rows: 0, sums: vec![[0; 4]; side as usize], pixels }
    }

    pub(super) fn row(&mut self, row: &[u8], channels: usize, rgba: fn(&[u8]) -> [u8; 4]) {
        let y = self.rows;
        self.rows += 1;
        let Some(y) = y.checked_sub(self.top).filter(|y| *y < self.side * self.by) else { return };
        let middle = row.chunks_exact(channels).skip(self.left as usize).take((self.side * self.by) as usize);
        if self.by == 1 {
            middle.for_each(|pixel| self.pixels.extend(rgba(pixel)));
            return;
        }
        for (i, pixel) in middle.enumerate() {
            let [colours @ .., opacity] = rgba(pixel).map(u32::from);
            let sum = &mut self.sums[i / self.by as usize];
            for (sum, colour) in sum.iter_mut().zip(colours) {
                *sum += colour * opacity;
            }
            sum[3] += opacity;
        }
        if (y + 1).is_multiple_of(self.by) {
            let all = self.by * self.by;
            for sum in &mut self.sums {
                let [red, green, blue, opacity] = std::mem::take(sum);
                let mean = |colour: u32| (colour.checked_div(opacity).unwrap_or(0)) as u8;
                self.pixels.extend([mean(red), mean(green), mean(blue), (opacity / all) as u8]);
            }
        }
    }

    /// The square, if all of its rows came.
    pub(super) fn image(self) -> Result<RgbaImage> {
        RgbaImage::from_raw(self.side, self.side, self.pixels).ok_or_else(broken)
    }
}

/// Decoded with all its pixels. Of an animation the first image.
fn whole(bytes: &[u8], format: ImageFormat, budget: &Budget) -> Result<(RgbaImage, Orientation)> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(budget.0);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|e| broken().with_source(e))?;
    let size = decoder.dimensions();
    // The image, and what it is put together from: another one at most.
    let needed = u64::from(size.0) * u64::from(size.1) * 8;
    budget.allow(size, needed)?;
    let refused = |e| match e {
        image::ImageError::Limits(_) => budget.allow(size, u64::MAX).err().unwrap_or_else(broken),
        e => broken().with_source(e),
    };
    decoder.set_limits(limits).map_err(refused)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok((square(&image), orientation))
}

/// The middle, at most as large as the largest picture.
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
