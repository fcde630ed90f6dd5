//! Values that are kept, compared and converted.

pub(crate) mod calendar;
pub(crate) mod collation;
pub(crate) mod convert;
pub(crate) mod exact;
pub(crate) mod owned;
pub(crate) mod packed;
pub(crate) mod text;
