//! Who a request comes from, and what that caller may do.

use axum::extract::Request;

use super::Config;
use crate::error::{Error, Result};
use crate::types::words;

words! {
    /// What a caller may do; each role may also do what those before it may.
    pub enum Role in "lowercase" {
        /// Read.
        Viewer = "viewer",
        /// Run pipelines and simulations, probe services, switch nodes on and off.
        Operator = "operator",
        /// Change the registry and the definitions of pipelines.
        Admin = "admin",
    }
}

/// Who a request comes from. The audit log names the actor with everything the request changes.
///
/// A host that calls the router in process puts one into the extensions of each request: it vouches for it. Requests
/// that come from a network never have one, so nobody can send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name in the audit log, such as `user:anna`.
    pub actor: String,
    /// What the caller may do.
    pub role: Role,
}

impl Caller {
    /// A caller of this name with this role.
    pub fn new(actor: impl Into<String>, role: Role) -> Self {
        Self {
            actor: actor.into(),
            role,
        }
    }
}

/// Finds out who a request comes from.
pub(super) fn caller(config: &Config, request: &Request) -> Result<Caller> {
    let vouched_for = request.extensions().get::<Caller>();
    vouched_for
        .or(config.anonymous.as_ref())
        .cloned()
        .ok_or_else(|| {
            Error::unauthenticated(
                "no caller: the host has to vouch for one, or the request to carry an API key",
            )
        })
}

/// Refuses a caller whose role is below `needed`.
pub(super) fn check(caller: &Caller, needed: Role) -> Result<()> {
    if caller.role as u8 >= needed as u8 {
        return Ok(());
    }
    Err(Error::permission_denied(format!(
        "this needs the role '{needed}', and {} has '{}'",
        caller.actor, caller.role
    )))
}
