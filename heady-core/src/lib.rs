//! The Heady engine: registry, durable pipeline, Monte Carlo and audit over SQLite or PostgreSQL.
//!
//! [`Heady::connect`] opens it; each domain is one accessor away. Errors are one type with a kind to branch on
//! ([`ErrorKind`]), the same in every language that the engine is called from.

pub mod audit;
pub mod document;
mod engine;
mod error;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mobile")]
mod mobile;
pub mod monte_carlo;
mod order;
mod outbound;
pub mod pipeline;
#[cfg(feature = "python")]
mod python;
pub mod registry;
pub mod report;
mod store;
mod types;
mod watch;

pub use engine::{EngineOptions, Heady, StartOptions};
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "mobile")]
pub use mobile::HeadyError;
pub use store::Durability;
pub use types::{Id, Json, MAX_SEED, Timestamp, Warning, checked_seed, random_seed, seed_of_text};
pub use watch::{SharedWatch, Watch};

#[cfg(feature = "mobile")]
uniffi::setup_scaffolding!();
