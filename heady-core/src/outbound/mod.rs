//! Everything that leaves the process: HTTP requests and child processes.
//!
//! Both are refused unless the operator allowed them: a definition, a registry file or a caller can name what it wants
//! but cannot grant itself the right to it.

mod breaker;
mod http;
mod process;
mod program;

pub(crate) use breaker::{Breaker, Breakers, Permit};
pub(crate) use http::{HostRules, HttpClient, HttpRequest, HttpResponse, Url};
pub(crate) use process::{Output, ProcessRequest};
pub(crate) use program::{ProgramRules, folder_inside};
