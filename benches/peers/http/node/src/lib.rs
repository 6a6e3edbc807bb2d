//! Calls from Node.js that do nothing.

use napi_derive::napi;

/// What has the calls.
#[napi]
pub struct Empty;

#[napi]
impl Empty {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self
    }

    /// A getter that makes an object.
    #[napi(getter)]
    pub fn other(&self) -> Other {
        Other
    }

    /// A promise of nothing.
    #[napi]
    pub async fn nothing(&self) {}
}

/// What the getter gives.
#[napi]
pub struct Other;
