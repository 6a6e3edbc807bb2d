//! `heady openapi`: what `heady serve` answers, as a document.

use std::process::ExitCode;

use heady_core::Result;
use heady_core::http::openapi;

use crate::Common;
use crate::output::result;

pub(crate) fn print(common: &Common) -> Result<ExitCode> {
    let document = openapi();
    let text = serde_json::to_string_pretty(&document)?;
    result(common, &document, |_| format!("{text}\n"))?;
    Ok(ExitCode::SUCCESS)
}
