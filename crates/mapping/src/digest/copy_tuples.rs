//! A COPY BINARY stream is cut into its tuples.
//!
//! Invariant: nothing is allocated for a length that the stream claims, only for bytes that have come.

use crate::encode::SIGNATURE;
use std::fmt;

/// The stream is not COPY BINARY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFormatError {
    /// What is wrong: one sentence without a period.
    pub reason: &'static str,
}

impl fmt::Display for CopyFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the COPY stream is not in its binary format: {}", self.reason)
    }
}

impl std::error::Error for CopyFormatError {}

fn broken<T>(reason: &'static str) -> Result<T, CopyFormatError> {
    Err(CopyFormatError { reason })
}

/// Cuts a stream, as the server sends it, into tuples (PostgreSQL documentation, COPY, "Binary
/// Format"). The pieces may be of any size; one that holds whole tuples is not copied.
#[derive(Debug, Default)]
pub struct CopyTuples {
    /// Bytes of a header or tuple that is not whole yet.
    pending: Vec<u8>,
    header_seen: bool,
    trailer_seen: bool,
    /// How far the tuple that is not whole yet was looked at, and how many of its fields are left.
    scanned: usize,
    fields_left: i16,
}

enum Scanned {
    Tuple(usize),
    Trailer,
    Incomplete,
}

const HEADER_BYTES: usize = 19;

impl CopyTuples {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream; calls `on_row` with each tuple that is whole: its field
    /// count and fields.
    ///
    /// # Errors
    /// When the stream is not COPY BINARY.
    pub fn push(&mut self, bytes: &[u8], on_row: &mut dyn FnMut(&[u8])) -> Result<(), CopyFormatError> {
        if self.pending.is_empty() {
            let used = self.consume(bytes, on_row)?;
            self.pending.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            let mut pending = std::mem::take(&mut self.pending);
            pending.extend_from_slice(bytes);
            let used = self.consume(&pending, on_row)?;
            pending.drain(..used);
            self.pending = pending;
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When the trailer has not come.
    pub fn finish(self) -> Result<(), CopyFormatError> {
        if self.trailer_seen { Ok(()) } else { broken("it ends before its trailer") }
    }

    /// Handles all that is whole, and tells how many bytes that was.
    fn consume(&mut self, bytes: &[u8], on_row: &mut dyn FnMut(&[u8])) -> Result<usize, CopyFormatError> {
        let mut at = 0;
        if !self.header_seen {
            match header_bytes(bytes)? {
                Some(length) => at = length,
                None => return Ok(0),
            }
            self.header_seen = true;
        }
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if self.trailer_seen {
                return if rest.is_empty() { Ok(at) } else { broken("it goes on after its trailer") };
            }
            match self.scan(rest)? {
                Scanned::Tuple(length) => {
                    on_row(rest.get(..length).unwrap_or_default());
                    at += length;
                }
                Scanned::Trailer => {
                    self.trailer_seen = true;
                    at += 2;
                }
                Scanned::Incomplete => return Ok(at),
            }
        }
    }

    /// Looks at the tuple at the start of `rest`, from where the last look ended.
    fn scan(&mut self, rest: &[u8]) -> Result<Scanned, CopyFormatError> {
        if self.scanned == 0 {
            let Some((count, _)) = rest.split_first_chunk::<2>() else { return Ok(Scanned::Incomplete) };
            match i16::from_be_bytes(*count) {
                -1 => return Ok(Scanned::Trailer),
                count @ 0.. => self.fields_left = count,
                _ => return broken("a field count is negative"),
            }
            self.scanned = 2;
        }
        while self.fields_left > 0 {
            let from_field = rest.get(self.scanned..).unwrap_or_default();
            let Some((length, field)) = from_field.split_first_chunk::<4>() else {
                return Ok(Scanned::Incomplete);
            };
            let length = match i32::from_be_bytes(*length) {
                -1 => 0,
                length => match usize::try_from(length) {
                    Ok(length) => length,
                    Err(_) => return broken("a field's length is negative"),
                },
            };
            if field.len() < length {
                return Ok(Scanned::Incomplete);
            }
            self.scanned += 4 + length;
            self.fields_left -= 1;
        }
        Ok(Scanned::Tuple(std::mem::take(&mut self.scanned)))
    }
}

/// The length of the header with its extension; none if it is not whole yet.
fn header_bytes(bytes: &[u8]) -> Result<Option<usize>, CopyFormatError> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes.get(..known) != SIGNATURE.get(..known) {
        return broken("its signature is missing");
    }
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [.., f1, f2, f3, f4, e1, e2, e3, e4] = *header;
    // Bits 16 to 31 are critical: a reader must refuse those that it does not know.
    if u32::from_be_bytes([f1, f2, f3, f4]) >> 16 != 0 {
        return broken("its header has unknown critical flags");
    }
    let Ok(extension) = usize::try_from(i32::from_be_bytes([e1, e2, e3, e4])) else {
        return broken("the length of its header's extension is negative");
    };
    let length = HEADER_BYTES + extension;
    Ok((bytes.len() >= length).then_some(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tuple(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut row = (fields.len() as i16).to_be_bytes().to_vec();
        for field in fields {
            match field {
                Some(field) => {
                    row.extend((field.len() as i32).to_be_bytes());
                    row.extend(*field);
                }
                None => row.extend((-1_i32).to_be_bytes()),
            }
        }
        row
    }

    fn stream(rows: &[Vec<u8>], extension: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 4]);
        bytes.extend((extension.len() as i32).to_be_bytes());
        bytes.extend(extension);
        bytes.extend(rows.concat());
        bytes.extend([0xFF, 0xFF]);
        bytes
    }

    fn cut(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, CopyFormatError> {
        let mut rows = Vec::new();
        let mut tuples = CopyTuples::new();
        for piece in pieces {
            tuples.push(piece, &mut |row| rows.push(row.to_vec()))?;
        }
        tuples.finish()?;
        Ok(rows)
    }

    #[test]
    fn a_stream_is_cut_into_its_tuples() {
        let rows = vec![tuple(&[Some(b"abc"), None]), tuple(&[Some(b""), Some(b"\xFF\xFF")]), tuple(&[])];
        assert_eq!(cut(&[&stream(&rows, b"")]), Ok(rows.clone()));
        let with_extension = stream(&rows, b"extension");
        assert_eq!(cut(&[&with_extension]), Ok(rows.clone()));
        let bytes: Vec<&[u8]> = with_extension.chunks(1).collect();
        assert_eq!(cut(&bytes), Ok(rows));
        assert_eq!(cut(&[&stream(&[], b"")]), Ok(Vec::new()));
    }

    #[test]
    fn a_broken_stream_is_an_error() {
        let whole = stream(&[tuple(&[Some(b"abc")])], b"");
        for length in 0..whole.len() {
            assert!(cut(&[&whole[..length]]).is_err(), "{length}");
        }
        let check = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = whole.clone();
            change(&mut bytes);
            assert!(cut(&[&bytes]).is_err());
        };
        check(&|bytes| bytes.push(0));
        check(&|bytes| bytes[0] = b'p');
        check(&|bytes| bytes[12] = 1);
        check(&|bytes| bytes[15] = 0x80);
        check(&|bytes| bytes[19..21].copy_from_slice(&[0xFF, 0xFE]));
        check(&|bytes| bytes[21..25].copy_from_slice(&(-2_i32).to_be_bytes()));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_tuples(
            rows in proptest::collection::vec(
                proptest::collection::vec(
                    proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)), 0..6), 0..12),
            cuts in proptest::collection::vec(0usize..400, 0..12),
        ) {
            let rows: Vec<Vec<u8>> = rows
                .iter()
                .map(|row| tuple(&row.iter().map(|field| field.as_deref()).collect::<Vec<_>>()))
                .collect();
            let bytes = stream(&rows, b"");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(cut(&pieces), Ok(rows));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut all = stream(&[], b"");
            all.truncate(HEADER_BYTES);
            all.extend(bytes);
            let _ = cut(&[&all]);
        }
    }
}
