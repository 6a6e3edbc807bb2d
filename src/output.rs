//! What the command prints.

use std::fmt::Write as _;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::process::ExitCode;

use heady_core::{Error, Result, report};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use terminal_size::Width;
#[cfg(unix)]
use tokio::{io::Interest, net::unix::pipe::Sender};

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
        fitting(|| text(value))
    };
    print(&text).map(drop)
}

/// A text whose tables fit the terminal; where none reads it, they are as wide as what is in them.
pub(crate) fn fitting(draw: impl FnOnce() -> String) -> String {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((Width(columns), _)) if columns > 0 => report::within(columns, draw),
        _ => draw(),
    }
}

/// What could be read, and the error that names what could not: it has the rest in its details.
pub(crate) fn readable<T: DeserializeOwned>(read: Result<T>) -> Result<(T, Option<Error>)> {
    match read {
        Ok(whole) => Ok((whole, None)),
        Err(error) => {
            let details = error.details().cloned();
            let rest = details.filter(|details| details.get("unreadable").is_some());
            match rest.map(serde_json::from_value) {
                Some(Ok(rest)) => Ok((rest, Some(error))),
                _ => Err(error),
            }
        }
    }
}

/// Tells what could not be read beside what was printed, which is a failure.
pub(crate) fn told(unreadable: impl IntoIterator<Item = Error>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for error in unreadable {
        // The details are what was printed.
        let message = error.message().split("; the details have ").next();
        note(&format!(
            "heady: {}: {}",
            error.code(),
            message.unwrap_or_default()
        ));
        code = ExitCode::FAILURE;
    }
    code
}

/// Prints a text on stdout. Returns false if nobody reads it any more: they may have seen enough, as `head` has.
fn print(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    let written = out.write_all(plain(text).as_bytes());
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::failed_precondition(format!(
            "cannot write to stdout: {error}"
        ))),
    }
}

/// A text without what steers a terminal, escaped as in JSON: a name in a file, or in another system's answer, may contain
/// anything.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') || is_directional(character)
        {
            let _ = write!(plain, "\\u{:04x}", u32::from(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Whether a character turns the direction of writing, so that what is read is not what is there.
fn is_directional(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints an error in one line, and as JSON on stdout if that was asked for.
pub(crate) fn error(common: &Common, error: &Error) -> ExitCode {
    if common.json {
        error_json(error);
    }
    note(&format!("heady: {}: {}", error.code(), error.message()));
    ExitCode::from(2)
}

/// Prints an error as JSON on stdout; nobody reading it is no second error.
pub(crate) fn error_json(error: &Error) {
    let _ = line(&json!({"error": error.to_json()}).to_string());
}

/// Prints a line of a result that has no end. Returns false if nobody reads any more.
pub(crate) fn line(text: &str) -> Result<bool> {
    print(&format!("{text}\n"))
}

/// Completes when nobody reads stdout any more. Who writes notices by himself; this is for who waits.
pub(crate) async fn unread() {
    #[cfg(unix)]
    if let Ok(out) = io::stdout().as_fd().try_clone_to_owned()
        && let Ok(out) = Sender::from_owned_fd_unchecked(out)
        && out.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    // What is no pipe has no reader who could go.
    std::future::pending::<()>().await;
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
    fn nothing_that_is_printed_is_read_the_other_way_round() {
        let name = "a\u{202e}b\u{202a}c\u{2066}d\u{2069}e\u{200e}f\u{200f}g\u{61c} שלום";
        let printed = super::plain(name);
        assert_eq!(
            printed,
            "a\\u202eb\\u202ac\\u2066d\\u2069e\\u200ef\\u200fg\\u061c שלום"
        );
    }

    #[test]
    fn nothing_that_is_printed_steers_the_terminal_and_nothing_is_lost() {
        let name = "a\tb\n\u{1b}[2J\r\u{9b}\u{7f}Ünï";
        let printed = super::plain(name);
        assert_eq!(printed, "a\tb\n\\u001b[2J\\u000d\\u009b\\u007fÜnï");
        let json = super::plain(&serde_json::to_string(name).unwrap());
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), name);
    }
}
