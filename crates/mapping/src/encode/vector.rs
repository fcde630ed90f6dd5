//! `vector` becomes `real[]` or pgvector's `vector`.
//!
//! SQL Server 2025 keeps a header of eight bytes (0xA9, version 1, dimensions as u16, type, three
//! reserved bytes) and 32-bit floats, all little-endian; some sources deliver the floats alone, or
//! a JSON array.

use super::Reject;

const HEADER_BYTES: usize = 8;
const FLOAT_BYTES: usize = 4;
const SINGLE_PRECISION: u8 = 0;
/// OID of `real`.
const REAL_OID: u32 = 700;
/// pgvector's limit.
const MOST_DIMENSIONS: usize = 16_000;

/// The floats of a serialised vector; `dimensions` as declared, where that is known.
pub(super) fn floats_of_bytes(
    bytes: &[u8],
    dimensions: Option<usize>,
) -> Result<impl ExactSizeIterator<Item = f32>, Reject> {
    let broken = || Reject::new("the bytes are not a vector");
    let floats = match bytes.split_at_checked(HEADER_BYTES) {
        Some((&[0xA9, 1, low, high, kind, ..], floats))
            if floats.len() == FLOAT_BYTES * usize::from(u16::from_le_bytes([low, high])) =>
        {
            if kind != SINGLE_PRECISION {
                return Err(Reject::new("the vector is not of 32-bit floats"));
            }
            floats
        }
        _ if bytes.len().is_multiple_of(FLOAT_BYTES) => bytes,
        _ => return Err(broken()),
    };
    if dimensions.is_some_and(|dimensions| floats.len() != FLOAT_BYTES * dimensions) {
        return Err(broken());
    }
    Ok(floats
        .chunks_exact(FLOAT_BYTES)
        .map(|float| f32::from_le_bytes([float[0], float[1], float[2], float[3]])))
}

/// The floats of a JSON array.
pub(super) fn floats_of_json(text: &[u8], dimensions: Option<usize>) -> Result<Vec<f32>, Reject> {
    let floats: Vec<f32> =
        serde_json::from_slice(text).map_err(|_| Reject::new("the text is not a JSON array of numbers"))?;
    if dimensions.is_some_and(|dimensions| floats.len() != dimensions) {
        return Err(Reject::new("the vector has another number of dimensions than its column"));
    }
    Ok(floats)
}

/// Appends what `array_recv` reads: dimensions, flags, element type, then per dimension its length and
/// lower bound, then length and bytes of each element.
pub(super) fn put_array(out: &mut Vec<u8>, floats: impl ExactSizeIterator<Item = f32>) -> Result<(), Reject> {
    let count = i32::try_from(floats.len()).map_err(|_| Reject::new("the vector is too long"))?;
    let dimensions = i32::from(count != 0);
    out.extend_from_slice(&dimensions.to_be_bytes());
    out.extend_from_slice(&0_i32.to_be_bytes());
    out.extend_from_slice(&REAL_OID.to_be_bytes());
    if count != 0 {
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
    }
    for float in floats {
        super::put_fixed(out, float.to_be_bytes());
    }
    Ok(())
}

/// Appends what pgvector's `vector_recv` reads: dimensions, an unused word, the floats.
pub(super) fn put_pgvector(
    out: &mut Vec<u8>,
    floats: impl ExactSizeIterator<Item = f32>,
) -> Result<(), Reject> {
    let count = floats.len();
    let dimensions = u16::try_from(count).ok().filter(|_| (1..=MOST_DIMENSIONS).contains(&count));
    let dimensions = dimensions.ok_or_else(|| Reject::new("pgvector takes 1 to 16000 dimensions"))?;
    out.extend_from_slice(&dimensions.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    for float in floats {
        if !float.is_finite() {
            return Err(Reject::new("pgvector takes no NaN and no infinity"));
        }
        out.extend_from_slice(&float.to_be_bytes());
    }
    Ok(())
}
