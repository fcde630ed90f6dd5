//! The zip archive around a `.bacpac` or `.dacpac`: its directory, and its entries as streams.
//!
//! Invariant: an entry never yields more bytes than the directory says, and one that yields fewer or other
//! bytes (CRC-32) ends in an error, never in a quiet end of file. Nothing is unpacked to disk. All reading is
//! positioned (`pread`), so any number of threads read from one [`Package`] at once.
//!
//! The `zip` crate reads the directory; the entries' bytes are inflated here, because a split must be opened by
//! many threads without taking the directory apart again. To extend: a new compression method is a variant of
//! [`Method`] and of `Body`.

use super::recognise;
use crate::{ErrorKind, SourceError};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

/// Entries that are read whole may be this large, no matter how well they compress.
const WHOLE_LIMIT: u64 = 512 << 20;
/// Below this size an entry is read whole without asking how well it compresses.
const WHOLE_UNSUSPICIOUS: u64 = 64 << 20;
/// An honest `model.xml` inflates 10 to 40 times; deflate's own limit is about 1030 times.
const WHOLE_RATIO: u64 = 200;
/// Compressed bytes are read from the file in steps of this size.
const FILE_BUFFER_BYTES: usize = 128 << 10;

/// An open archive.
#[derive(Debug)]
pub(super) struct Package {
    file: Arc<File>,
    location: String,
    entries: Vec<Entry>,
}

/// One file inside the archive, as the directory describes it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name as stored: slashes between folders, table names percent-encoded.
    pub(super) name: String,
    /// Bytes after inflation.
    pub(super) size: u64,
    /// CRC-32 of the inflated bytes.
    pub(super) crc: u32,
    compressed_size: u64,
    header_start: u64,
    method: Method,
}

#[derive(Debug, Clone, Copy)]
enum Method {
    Stored,
    Deflated,
}

impl Package {
    /// Opens the archive at `location` and reads its directory.
    ///
    /// # Errors
    /// `Open` when the file cannot be read, `NotASource` when it is no zip archive (the error says what it looks
    /// like), `Damaged` when its directory is missing or contradicts itself, `Unsupported` when it is encrypted.
    pub(super) fn open(location: &str) -> Result<Self, SourceError> {
        let cannot_open =
            |error| SourceError::caused(ErrorKind::Open, format!("cannot open {location}"), error);
        let file = Arc::new(File::open(location).map_err(cannot_open)?);
        if file.metadata().map_err(cannot_open)?.is_dir() {
            return Err(SourceError::new(
                ErrorKind::Open,
                format!("cannot open {location}: it is a folder, not a file"),
            ));
        }
        let mut head = Vec::new();
        Positioned::new(&file).take(recognise::HEAD_BYTES).read_to_end(&mut head).map_err(|error| {
            SourceError::caused(ErrorKind::Read, format!("cannot read {location}"), error)
        })?;
        if !recognise::is_zip(&head) {
            let looks = recognise::describe(&head);
            return Err(SourceError::new(
                ErrorKind::NotASource,
                format!("{location} is not a .bacpac or .dacpac: it is {looks}"),
            ));
        }
        let archive = ZipArchive::new(Positioned::new(&file)).map_err(|error| {
            SourceError::caused(
                ErrorKind::Damaged,
                format!("{location} begins as a zip archive but has no readable directory at its end: the file is cut off or damaged"),
                error,
            )
        })?;
        let entries = read_directory(location, &archive)?;
        Ok(Self { file, location: location.to_owned(), entries })
    }

    /// All entries in the directory's order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// A stream over the entry's inflated bytes.
    ///
    /// # Errors
    /// `Damaged` when the entry does not stand where the directory says.
    pub(super) fn stream(&self, entry: &Entry) -> Result<EntryReader, SourceError> {
        let damaged = |error: io::Error| self.entry_error(entry, error);
        // Local file header, APPNOTE 4.3.7: 30 bytes, then a name and an extra field whose lengths differ from
        // those in the directory.
        let mut header = [0; 30];
        let mut at = Positioned::new(&self.file);
        at.position = entry.header_start;
        at.read_exact(&mut header).map_err(damaged)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, "no local file header")));
        }
        let lengths = u64::from(u16::from_le_bytes([header[26], header[27]]))
            + u64::from(u16::from_le_bytes([header[28], header[29]]));
        at.position += lengths;
        let compressed = at.take(entry.compressed_size);
        let body = match entry.method {
            Method::Stored => Body::Stored(compressed),
            Method::Deflated => {
                Body::Deflated(DeflateDecoder::new(BufReader::with_capacity(FILE_BUFFER_BYTES, compressed)))
            }
        };
        Ok(EntryReader { body, crc: Crc::new(), expected_crc: entry.crc, size: entry.size, read: 0 })
    }

    /// The whole entry, for the few that are read whole.
    ///
    /// # Errors
    /// `TooLarge` when the entry is larger than an honest one can be, otherwise like [`Package::stream`].
    pub(super) fn read_whole(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let limit =
            WHOLE_LIMIT.min(WHOLE_UNSUSPICIOUS.max(entry.compressed_size.saturating_mul(WHOLE_RATIO)));
        if entry.size > limit {
            return Err(SourceError::new(
                ErrorKind::TooLarge,
                format!(
                    "{} in {} would inflate from {} to {} bytes, more than the {limit} that we accept",
                    entry.name, self.location, entry.compressed_size, entry.size
                ),
            ));
        }
        let mut bytes = Vec::new();
        self.stream(entry)?.read_to_end(&mut bytes).map_err(|error| self.entry_error(entry, error))?;
        Ok(bytes)
    }

    /// The error for a failed read of an entry: damage is told apart from I/O trouble.
    pub(super) fn entry_error(&self, entry: &Entry, error: io::Error) -> SourceError {
        let kind = match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                ErrorKind::Damaged
            }
            _ => ErrorKind::Read,
        };
        SourceError::caused(kind, format!("cannot read {} in {}", entry.name, self.location), error)
    }
}

fn read_directory(location: &str, archive: &ZipArchive<Positioned>) -> Result<Vec<Entry>, SourceError> {
    let damaged =
        |what: String| SourceError::new(ErrorKind::Damaged, format!("{location} is damaged: {what}"));
    if archive.has_duplicate_names() {
        return Err(damaged("its directory lists two entries of the same name".to_owned()));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let listed = archive.by_index_data(index).map_err(|error| {
            SourceError::caused(
                ErrorKind::Damaged,
                format!("{location} is damaged: its directory is unreadable"),
                error,
            )
        })?;
        let name = match std::str::from_utf8(listed.name_raw()) {
            Ok(name) => name.to_owned(),
            Err(_) => String::from_utf8_lossy(listed.name_raw()).into_owned(),
        };
        if name.starts_with('/') || name.split(['/', '\\']).any(|step| step == "..") || name.contains('\0') {
            return Err(damaged(format!("entry {name:?} points outside the archive")));
        }
        if name.ends_with('/') {
            continue;
        }
        if listed.encrypted() {
            return Err(SourceError::new(
                ErrorKind::Unsupported,
                format!("{location} is an encrypted zip archive (entry {name}): decrypt it first"),
            ));
        }
        let method = match listed.compression() {
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflated,
            other => {
                return Err(SourceError::new(
                    ErrorKind::Unsupported,
                    format!("entry {name} in {location} is compressed with {other}, which we do not read"),
                ));
            }
        };
        entries.push(Entry {
            name,
            size: listed.size(),
            crc: listed.crc32(),
            compressed_size: listed.compressed_size(),
            header_start: listed.header_start(),
            method,
        });
    }
    Ok(entries)
}

/// The inflated bytes of one entry. Its end of file is a proof: size and CRC-32 were right.
#[derive(Debug)]
pub(super) struct EntryReader {
    body: Body,
    crc: Crc,
    expected_crc: u32,
    size: u64,
    read: u64,
}

#[derive(Debug)]
enum Body {
    Stored(Take<Positioned>),
    Deflated(DeflateDecoder<BufReader<Take<Positioned>>>),
}

impl Read for EntryReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.body {
            Body::Stored(body) => body.read(buffer)?,
            Body::Deflated(body) => body.read(buffer)?,
        };
        let damaged = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        self.read += count as u64;
        if self.read > self.size {
            return damaged(format!("it inflates to more than the {} bytes in the directory", self.size));
        }
        if count == 0 {
            if self.read < self.size {
                return damaged(format!("it ends after {} of {} bytes", self.read, self.size));
            }
            if self.crc.sum() != self.expected_crc {
                return damaged("its CRC-32 checksum is wrong".to_owned());
            }
            return Ok(0);
        }
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

/// A reader with a position of its own over a shared file: a cloned `File` would share one position.
#[derive(Debug, Clone)]
struct Positioned {
    file: Arc<File>,
    position: u64,
}

impl Positioned {
    fn new(file: &Arc<File>) -> Self {
        Self { file: Arc::clone(file), position: 0 }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = read_at(&self.file, buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.file.metadata()?.len().checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of the file")
        })?;
        Ok(self.position)
    }
}
