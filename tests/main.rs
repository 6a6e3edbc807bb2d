//! What the whole promises, seen from outside: the command, a killed process, and the files every language runs.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may panic, and nobody imports it"
)]

mod audit;
mod command;
mod conformance;
mod http;
mod http_conformance;
mod http_hostile;
mod imports;
mod killed;
mod pipes;
mod recorded;
mod registry;
mod sandbox;
