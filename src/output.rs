//! What the command prints.

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
    let text = if common.json {
        serde_json::to_string(value)? + "\n"
    } else {
        plain(&text(value))
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads may have seen enough, as `head` has.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::failed_precondition(
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// A text without what steers a terminal: a name in a file, or in another system's answer, may contain anything.
fn plain(text: &str) -> String {
    let steers = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    text.replace(steers, "\u{fffd}")
}

/// Prints an error in one line, and as JSON on stdout if that was asked for.
pub(crate) fn error(common: &Common, error: &Error) -> ExitCode {
    if common.json {
        // Nobody reading it is no second error.
        let _ = line(&json!({"error": error.to_json()}).to_string());
    }
    note(&format!("heady: {}: {}", error.code(), error.message()));
    ExitCode::from(2)
}

/// Prints a line of a result that has no end, unless nobody reads any more.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", plain(text))
}

/// Prints a line about what goes on.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", plain(line));
}

/// The exit code for something that ran: 0 if it succeeded, else 1.
pub(crate) fn exit(succeeded: bool) -> ExitCode {
    if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_that_is_printed_steers_the_terminal() {
        assert_eq!(
            super::plain("a\tb\n\u{1b}[2J\r\u{9b}Ünï"),
            "a\tb\n\u{fffd}[2J\u{fffd}\u{fffd}Ünï"
        );
    }
}
