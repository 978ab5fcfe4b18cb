//! Pictures that are small as files and large in memory, as somebody would send them who wants to do harm. All of their
//! bytes are right; made here, because nobody would keep such files among others.

/// A PNG of 64 by 64 pixels with a colour profile that inflates to so many bytes.
pub fn png_with_profile(profile: u64) -> Vec<u8> {
    let mut name_and_method = b"p\0\0".to_vec();
    name_and_method.extend(zeros(profile));
    png(64, &[(b"iCCP", name_and_method)])
}

/// A PNG of four channels whose side has so many pixels, all alike.
pub fn large_png(side: u32) -> Vec<u8> {
    png(side, &[])
}

fn png(side: u32, more: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    chunk(&mut file, b"IHDR", &head);
    for (kind, data) in more {
        chunk(&mut file, kind, data);
    }
    chunk(&mut file, b"IDAT", &zeros((u64::from(side) * 4 + 1) * u64::from(side)));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    file.extend(length.to_be_bytes());
    let begin = file.len();
    file.extend(kind);
    file.extend(data);
    let mut crc = !0u32;
    for byte in &file[begin..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    file.extend((!crc).to_be_bytes());
}

/// So many zero bytes as zlib data: one block with the fixed codes, each of which repeats the byte before 258 times.
fn zeros(n: u64) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let (mut bits, mut held) = (0u64, 0u32);
    // Codes are written from their first bit on, numbers from their last.
    let mut put = |code: u64, length: u32, out: &mut Vec<u8>| {
        bits |= (code.reverse_bits() >> (64 - length)) << held;
        held += length;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    };
    // The last block, of fixed codes: the bits 1, 1, 0.
    put(0b110, 3, &mut out);
    put(0x30, 8, &mut out);
    let rest = n.saturating_sub(1);
    for _ in 0..rest / 258 {
        put(0b1100_0101, 8, &mut out);
        put(0, 5, &mut out);
    }
    for _ in 0..rest % 258 {
        put(0x30, 8, &mut out);
    }
    put(0, 7, &mut out);
    put(0, 7, &mut out);
    let sum = u32::try_from(n % 65_521).unwrap_or(0) << 16 | 1;
    out.extend(sum.to_be_bytes());
    out
}

/// A progressive JPEG in three full components whose sides have so many pixels, all of them grey: a bit for each block.
pub fn progressive_jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend([1; 64]);
    file.extend([0xff, 0xc2, 0, 17, 8]);
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    // One code, of one bit: nothing differs from the block before.
    file.extend([0xff, 0xc4, 0, 20, 0, 1]);
    file.extend([0; 16]);
    file.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8) * 3;
    file.extend(vec![0; blocks.div_ceil(8)]);
    file.extend([0xff, 0xd9]);
    file
}
