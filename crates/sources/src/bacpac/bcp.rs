//! Rows of a BCP part (formats.md §1.3): the inner loop of every load.
//!
//! A part has no header, no row count and no terminators, so the reader checks itself: a prefix must fit its type, a
//! NOT NULL column has no NULL, a value lies in its type's range, and the part ends after a whole row.
//!
//! Invariant: the buffer grows only as data really arrives, and a length is believed only if the part can hold it.
//! No allocation per value.

use super::layout::{ColumnLayout, Decode, Layout, Prefix};
use super::variant;
use mssql2pg_catalog::{RowSink, Value};
use std::io::{self, Read};

/// The buffer's first size, and the least that is read at once.
const STEP_BYTES: usize = 256 << 10;
/// `varchar(max)` holds 2^31 - 1 characters, two bytes each in UTF-16.
const VALUE_LIMIT: u64 = 1 << 32;
/// A prefix of eight bytes that says: total unknown, chunks follow (as `bcp -n` writes, MS-TDS 2.2.5.2.3).
const CHUNKED: u64 = u64::MAX - 1;

/// Where and why reading a part stopped.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Rows read before, so the number of the bad row counted from 0.
    pub(super) row: u64,
    /// The column's place among the stored columns.
    pub(super) column: usize,
    /// Bytes from the start of the inflated part to where the column's value begins.
    pub(super) offset: u64,
    /// What is wrong.
    pub(super) cause: Cause,
}

/// What is wrong with a part.
#[derive(Debug)]
pub(super) enum Cause {
    /// It ends inside a row.
    EndsInRow,
    /// Its bytes cannot be what the column's type says.
    Impossible(String),
    /// They may be right, but we do not understand them.
    Unsupported(String),
    /// They cannot be read.
    Io(io::Error),
}

impl From<&'static str> for Cause {
    fn from(what: &'static str) -> Self {
        Self::Impossible(what.to_owned())
    }
}

/// Pushes the rows of one part; returns how many. Stops early, and well, when the sink says so.
///
/// `length` is the inflated size of the whole part; `input` may be only its beginning (then it ends in a row).
pub(super) fn read_rows<S: RowSink + ?Sized>(
    input: impl Read,
    length: u64,
    layout: &Layout,
    sink: &mut S,
) -> Result<u64, Trouble> {
    let mut bytes = Bytes::new(input, length);
    let mut scratch = Scratch::default();
    let mut row = 0;
    loop {
        let at_end =
            bytes.at_end().map_err(|cause| Trouble { row, column: 0, offset: bytes.offset(), cause })?;
        if at_end || layout.columns.is_empty() {
            return Ok(row);
        }
        for (place, column) in layout.columns.iter().enumerate() {
            let offset = bytes.offset();
            read_value(column, &mut bytes, &mut scratch, sink).map_err(|cause| Trouble {
                row,
                column: place,
                offset,
                cause,
            })?;
        }
        row += 1;
        if sink.end_row().is_err() {
            return Ok(row);
        }
    }
}

/// Memory that values need and that outlives them.
#[derive(Debug, Default)]
struct Scratch {
    chunks: Vec<u8>,
    base_type: String,
}

// Inlined by force, with all that it calls for an ordinary value: 11 ns a cell against 15.
#[inline(always)]
fn read_value<S: RowSink + ?Sized>(
    column: &ColumnLayout,
    bytes: &mut Bytes<impl Read>,
    scratch: &mut Scratch,
    sink: &mut S,
) -> Result<(), Cause> {
    let length = match column.prefix {
        Prefix::None => column.width as u64,
        Prefix::One => match bytes.take(1)? {
            [0xFF] => return push_null(column, sink),
            prefix => u64::from(prefix[0]),
        },
        Prefix::Two => match u16::from_le_bytes(bytes.array()?) {
            u16::MAX => return push_null(column, sink),
            prefix => u64::from(prefix),
        },
        Prefix::Four => match u32::from_le_bytes(bytes.array()?) {
            u32::MAX => return push_null(column, sink),
            prefix => u64::from(prefix),
        },
        Prefix::Eight => match u64::from_le_bytes(bytes.array()?) {
            u64::MAX => return push_null(column, sink),
            CHUNKED => return push_chunks(column, bytes, scratch, sink),
            prefix => prefix,
        },
    };
    let data = bytes.take_checked(length)?;
    push(column, data, &mut scratch.base_type, sink)
}

#[inline(always)]
fn push<S: RowSink + ?Sized>(
    column: &ColumnLayout,
    data: &[u8],
    base_type: &mut String,
    sink: &mut S,
) -> Result<(), Cause> {
    if column.decode == Decode::Variant {
        return variant::decode(data, base_type, |value| sink.value(value));
    }
    sink.value(column.decode.value(data)?);
    Ok(())
}

/// A value whose total length was not known when it was written.
#[cold]
fn push_chunks<S: RowSink + ?Sized>(
    column: &ColumnLayout,
    bytes: &mut Bytes<impl Read>,
    scratch: &mut Scratch,
    sink: &mut S,
) -> Result<(), Cause> {
    bytes.chunks(&mut scratch.chunks)?;
    push(column, &scratch.chunks, &mut scratch.base_type, sink)
}

#[cold]
fn push_null<S: RowSink + ?Sized>(column: &ColumnLayout, sink: &mut S) -> Result<(), Cause> {
    if !column.nullable {
        return Err("the column is NOT NULL and the value is NULL".into());
    }
    sink.value(Value::Null);
    Ok(())
}

/// A window over the part: what is read and not yet taken.
struct Bytes<R> {
    input: R,
    /// The whole part's inflated size.
    length: u64,
    /// The part's offset of `buffer[0]`.
    base: u64,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Bytes<R> {
    fn new(input: R, length: u64) -> Self {
        Self { input, length, base: 0, buffer: Vec::new(), start: 0, end: 0 }
    }

    fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Whether the part is over; reading its end also proves its checksum.
    fn at_end(&mut self) -> Result<bool, Cause> {
        if self.start < self.end {
            return Ok(false);
        }
        match self.refill(1) {
            Ok(()) => Ok(false),
            Err(Cause::EndsInRow) => Ok(true),
            Err(other) => Err(other),
        }
    }

    /// The next `count` bytes.
    #[inline]
    fn take(&mut self, count: usize) -> Result<&[u8], Cause> {
        if self.end - self.start < count {
            self.refill(count)?;
        }
        let at = self.start;
        self.start += count;
        Ok(&self.buffer[at..at + count])
    }

    /// The next `N` bytes as an array.
    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cause> {
        self.take(N)?.first_chunk().copied().ok_or(Cause::EndsInRow)
    }

    /// The next bytes, as many as a prefix says; the prefix may lie.
    #[inline]
    fn take_checked(&mut self, count: u64) -> Result<&[u8], Cause> {
        // A short length needs no proof: taking it fails soon enough.
        if count > STEP_BYTES as u64 {
            self.believe(count)?;
        }
        self.take(count as usize)
    }

    #[cold]
    fn believe(&self, count: u64) -> Result<(), Cause> {
        let left = self.length.saturating_sub(self.offset());
        if count > left {
            return Err(Cause::Impossible(format!(
                "its length is {count} bytes, but the part has only {left} left"
            )));
        }
        if count > VALUE_LIMIT || usize::try_from(count).is_err() {
            return Err(Cause::Impossible(format!(
                "its length is {count} bytes, more than SQL Server can store"
            )));
        }
        Ok(())
    }

    /// Gathers chunks of a value: `u32` length and bytes, until a length of 0.
    #[cold]
    fn chunks(&mut self, value: &mut Vec<u8>) -> Result<(), Cause> {
        value.clear();
        loop {
            let count = u32::from_le_bytes(self.array()?);
            if count == 0 {
                return Ok(());
            }
            value.extend_from_slice(self.take_checked(u64::from(count))?);
            if value.len() as u64 > VALUE_LIMIT {
                return Err("its chunks are together more than SQL Server can store".into());
            }
        }
    }

    /// Reads until `count` bytes are there. The buffer doubles only when it is full of data.
    #[cold]
    fn refill(&mut self, count: usize) -> Result<(), Cause> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            if self.end == self.buffer.len() {
                self.buffer.resize((self.buffer.len() * 2).max(STEP_BYTES), 0);
            }
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(Cause::EndsInRow),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Cause::Io(error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
