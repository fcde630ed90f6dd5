//! A running SQL Server, over TDS.
//!
//! The way in: an [`address::Address`] says where and how; [`connect::Session`] is one connection that is logged in.

mod address;
mod cells;
mod certificate;
mod connect;
mod credentials;
mod failure;
mod tokens;
