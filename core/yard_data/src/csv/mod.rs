//! CSV and its relatives: records, dialect, and the row source with its repairs (RFC 4180, 2005,
//! doi:10.17487/RFC4180, read leniently).

pub(crate) mod dialect;
pub(crate) mod records;
pub(crate) mod source;
