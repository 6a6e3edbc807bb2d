//! What the command prints.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this file is for"
)]

use std::io::{self, Write};
use std::process::ExitCode;

use heady_core::{Error, Result};
use serde::Serialize;
use serde_json::json;

use crate::Common;

/// Prints a result: as JSON if that was asked for, else as the text drawn from it.
pub(crate) fn result<T: Serialize>(
    common: &Common,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<()> {
    if common.json {
        println!("{}", serde_json::to_string(value)?);
    } else {
        print!("{}", text(value));
    }
    Ok(())
}

/// Prints an error in one line, and as JSON on stdout if that was asked for.
pub(crate) fn error(common: &Common, error: &Error) -> ExitCode {
    if common.json {
        println!("{}", json!({"error": error.to_json()}));
    }
    eprintln!("heady: {}: {}", error.code(), error.message());
    ExitCode::from(2)
}

/// Prints a line of a result that has no end, unless nobody reads any more.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Prints a line about what goes on.
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}

/// The exit code for something that ran: 0 if it succeeded, else 1.
pub(crate) fn exit(succeeded: bool) -> ExitCode {
    if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
