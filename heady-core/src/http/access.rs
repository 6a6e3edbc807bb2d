//! Who a request comes from, and what that caller may do.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::{Server, keys};
use crate::error::{Error, ErrorKind, Result};
use crate::types::words;

words! {
    /// What a caller may do; each role may also do what those before it may.
    pub enum Role in "lowercase" {
        /// Read.
        Viewer = "viewer",
        /// Run pipelines and simulations, probe services, switch nodes on and off.
        Operator = "operator",
        /// Change the registry and the definitions of pipelines, and whatever else there is.
        Admin = "admin",
    }
}

/// Who a request comes from. The audit log names the actor with everything the request changes.
///
/// A host that calls the router in process puts one into the extensions of each request: it vouches for it. Requests
/// that come from a network never have one, so nobody can send it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
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

/// Finds out who a request comes from: whom the host vouches for, whose API key it carries, or, as long as no key was
/// ever made, whoever the configuration takes everybody for.
pub(super) async fn caller(server: &Server, request: &Parts) -> Result<Caller> {
    match vouched(request) {
        Some(caller) => Ok(caller.clone()),
        None => known(server, &request.headers).await,
    }
}

/// Whom the host vouches for.
pub(super) fn vouched(request: &Parts) -> Option<&Caller> {
    request.extensions.get()
}

/// Who sends these headers.
async fn known(server: &Server, headers: &HeaderMap) -> Result<Caller> {
    if let Some(key) = key(headers) {
        let found = server.keys.verify(key).await?;
        let environment = server.config.environment.as_deref();
        return found
            .filter(|key| environment.is_none_or(|environment| key.environment == environment))
            .and_then(|key| {
                let role = keys::highest(&key.roles)?;
                Some(Caller::new(format!("key:{}", key.name), role))
            })
            .ok_or_else(|| Error::unauthenticated("the API key is not valid here"));
    }
    match &server.config.anonymous {
        Some(caller) if !server.keys.required().await? => Ok(caller.clone()),
        _ => Err(Error::unauthenticated(
            "send an API key as 'Authorization: Bearer KEY' or 'X-Heady-Api-Key: KEY' ('heady keys add' makes one), \
             or have the program that hosts the engine vouch for the caller",
        )),
    }
}

/// What let a request in whose answer goes on and on, so that it can be looked at again.
pub(super) struct Admission {
    pub(super) server: Arc<Server>,
    pub(super) headers: HeaderMap,
    pub(super) role: Role,
}

impl Admission {
    /// Whether the caller may still see what is sent. A database that does not answer says nothing about that.
    pub(super) async fn check(&self) -> Result<()> {
        let caller = known(&self.server, &self.headers).await;
        let checked = caller.and_then(|caller| check(&caller, self.role));
        checked.or_else(|error| match error.kind() {
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        })
    }
}

/// The key that a request carries; empty, which no key is, if what stands in its place cannot be one.
fn key(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-heady-api-key") {
        return Some(key.to_str().unwrap_or_default());
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str();
    let (scheme, key) = authorization
        .ok()
        .and_then(|text| text.split_once(' '))
        .unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") {
        key.trim()
    } else {
        ""
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
