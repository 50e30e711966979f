//! The bytes of a file as text: its encoding found out, decoded as it is read, and no value without an end.
//!
//! | config `encoding` | the bytes | read as |
//! |---|---|---|
//! | set | any | what the config says |
//! | – | begin with a byte-order mark | what it says |
//! | – | are UTF-8 to the last one | UTF-8 |
//! | – | are not | what their beginning looks like: GB18030 for the exports of this country |
//!
//! Broken bytes become U+FFFD; the row is taken.

use crate::charset;
use encoding_rs::{Decoder, Encoding, UTF_8};
use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// So much of a file is looked at to tell what it may be.
const HEAD: u64 = 1 << 20;
const CHUNK: usize = 64 << 10;

/// Finds out how a file is encoded.
///
/// # Errors
/// When it cannot be read.
pub(super) fn encoding(mut file: impl Read) -> io::Result<&'static Encoding> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Some((encoding, _)) = Encoding::for_bom(&head) {
        return Ok(encoding);
    }
    if is_utf8(head.as_slice().chain(file))? {
        return Ok(UTF_8);
    }
    let looks_like = charset::decode(&head, None, None).encoding;
    Ok(Encoding::for_label(looks_like.as_bytes()).unwrap_or(UTF_8))
}

fn is_utf8(mut file: impl Read) -> io::Result<bool> {
    let (mut chunk, mut held) = (vec![0; CHUNK], 0);
    loop {
        let read = file.read(&mut chunk[held..])?;
        if read == 0 {
            return Ok(held == 0);
        }
        let filled = held + read;
        held = match std::str::from_utf8(&chunk[..filled]) {
            Ok(_) => 0,
            // A character may go on in the next chunk.
            Err(error) if error.error_len().is_none() => {
                chunk.copy_within(error.valid_up_to()..filled, 0);
                filled - error.valid_up_to()
            }
            Err(_) => return Ok(false),
        };
    }
}

/// How much may still be read before the value that is being read must end. Shared by whoever reads and whoever counts rows.
#[derive(Debug, Clone)]
pub(super) struct Leash {
    left: Rc<Cell<usize>>,
    most: usize,
}

impl Leash {
    pub(super) fn of(most: usize) -> Self {
        Self { left: Rc::new(Cell::new(most)), most }
    }

    /// A row has ended.
    pub(super) fn renew(&self) {
        self.left.set(self.most);
    }
}

/// A file as UTF-8. A byte-order mark at its beginning is taken out, and followed.
pub(super) struct Text<R> {
    file: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    decoded: Vec<u8>,
    at: usize,
    ended: bool,
    leash: Leash,
}

impl<R: Read> Text<R> {
    pub(super) fn new(file: R, encoding: &'static Encoding, leash: Leash) -> Self {
        Self {
            file,
            decoder: encoding.new_decoder(),
            bytes: vec![0; CHUNK],
            decoded: Vec::new(),
            at: 0,
            ended: false,
            leash,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.decoded.len() && !self.ended {
            let read = self.file.read(&mut self.bytes)?;
            self.ended = read == 0;
            // The worst case: every byte a character of its own, or broken.
            let most = self.decoder.max_utf8_buffer_length(read).unwrap_or(CHUNK * 4);
            self.decoded.resize(most, 0);
            let (_, _, written, _) = self.decoder.decode_to_utf8(&self.bytes[..read], &mut self.decoded, self.ended);
            self.decoded.truncate(written);
            self.at = 0;
            let Some(left) = self.leash.left.get().checked_sub(read) else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the row that begins here does not end within {} bytes: is a quote not closed?",
                        self.leash.most
                    ),
                ));
            };
            self.leash.left.set(left);
        }
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let count = to.len().min(self.decoded.len() - self.at);
        to[..count].copy_from_slice(&self.decoded[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{GB18030, GBK, UTF_16LE};
    use proptest::prelude::*;

    const TEXT: &str = "工单编号,诉求内容\n1,抚琴街道今天又停水了，居民反映水压低，至今没有通知。\n";

    fn read(bytes: &[u8], configured: Option<&'static Encoding>) -> String {
        let encoding = configured.unwrap_or_else(|| encoding(bytes).unwrap());
        let mut text = String::new();
        Text::new(bytes, encoding, Leash::of(1 << 30)).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_row_of_the_table() {
        let gbk = GBK.encode(TEXT).0.into_owned();
        assert_eq!(read(&gbk, Some(GB18030)), TEXT);
        assert_eq!(read(&gbk, None), TEXT);
        assert_eq!(read(TEXT.as_bytes(), None), TEXT);
        assert_eq!(read(format!("\u{feff}{TEXT}").as_bytes(), None), TEXT);
        let mut utf16 = vec![0xff, 0xfe];
        utf16.extend(TEXT.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(encoding(utf16.as_slice()).unwrap(), UTF_16LE);
        assert_eq!(read(&utf16, None), TEXT);
    }

    #[test]
    fn an_encoding_is_judged_by_the_whole_file() {
        // ASCII for more than is looked at, then a few characters.
        let ascii = "x".repeat(HEAD as usize + CHUNK);
        assert_eq!(encoding(format!("{ascii}停水").as_bytes()).unwrap(), UTF_8);
        let mut cut = "停水".as_bytes().to_vec();
        cut.pop();
        assert!(!is_utf8(cut.as_slice()).unwrap());
    }

    #[test]
    fn a_row_without_an_end_is_not_swallowed() {
        let leash = Leash::of(CHUNK);
        let mut text = Text::new(io::repeat(b'x'), UTF_8, leash.clone());
        let mut bytes = vec![0; CHUNK];
        text.read_exact(&mut bytes).unwrap();
        leash.renew();
        text.read_exact(&mut bytes).unwrap();
        assert!(text.read_exact(&mut bytes).unwrap_err().to_string().contains("quote"));
    }

    proptest! {
        #[test]
        fn whatever_the_pieces_the_text_is_the_same(text in ".{0,400}", size in 1usize..9) {
            struct Slow<'a>(&'a [u8], usize);
            impl Read for Slow<'_> {
                fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                    let count = self.1.min(to.len()).min(self.0.len());
                    to[..count].copy_from_slice(&self.0[..count]);
                    self.0 = &self.0[count..];
                    Ok(count)
                }
            }
            let mut read = String::new();
            let file = Slow(text.as_bytes(), size);
            Text::new(file, UTF_8, Leash::of(1 << 30)).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read.as_str(), text.strip_prefix('\u{feff}').unwrap_or(&text));
            prop_assert!(is_utf8(Slow(text.as_bytes(), size)).unwrap());
        }
    }
}
