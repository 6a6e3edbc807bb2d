//! The audit log over HTTP.

use super::route::routes;

routes! {
    /// Lists entries, newest first.
    "audit.list" GET "/api/audit" Viewer |call, query| call.audit().list(query);
}
