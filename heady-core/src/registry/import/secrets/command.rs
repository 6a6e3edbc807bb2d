//! Programs that are given a secret by a short option: `mysql -p…`, `sshpass -p …`. Of any other program the same option may
//! mean anything.

use super::key::Secrecy;
use super::text::{Awaited, BEFORE};
use super::word::{QUOTES, Span, end_of_value, opens_template, start};

/// How some programs are given a secret.
#[derive(Debug)]
struct Usage {
    programs: &'static [&'static str],
    option: &'static str,
    /// Whether it stands in the same word, and whether it stands in the next one.
    attached: bool,
    next: bool,
    /// If the program runs another one, behind which of its options a value stands: the first word that is neither is the other
    /// program.
    runs: Option<&'static [&'static str]>,
}

const KNOWN: [Usage; 4] = [
    Usage {
        programs: &[
            "mysql",
            "mysqladmin",
            "mysqlbinlog",
            "mysqlcheck",
            "mysqldump",
            "mysqlimport",
            "mysqlpump",
            "mysqlshow",
            "mysqlslap",
            "mysqlsh",
            "mysql_upgrade",
            "mariadb",
            "mariadb-admin",
            "mariadb-backup",
            "mariadb-binlog",
            "mariadb-check",
            "mariadb-dump",
            "mariadb-import",
            "mariadb-show",
            "mariadb-slap",
            "mariadb-upgrade",
            "mariabackup",
            "xtrabackup",
            "mycli",
        ],
        option: "-p",
        attached: true,
        // Alone it asks for the password, and what follows is a database.
        next: false,
        runs: None,
    },
    Usage {
        programs: &["sshpass"],
        option: "-p",
        attached: true,
        next: true,
        runs: Some(&["-p", "-f", "-d", "-P"]),
    },
    Usage {
        programs: &["redis-cli", "valkey-cli"],
        option: "-a",
        attached: false,
        next: true,
        runs: None,
    },
    Usage {
        programs: &[
            "mongo",
            "mongosh",
            "mongodump",
            "mongoexport",
            "mongoimport",
            "mongorestore",
        ],
        option: "-p",
        attached: false,
        next: true,
        runs: None,
    },
];

/// Options behind which a program's name is that of something else: `docker run --name mysql -p3306:3306`.
const NAMING: [&str; 12] = [
    "--name",
    "--hostname",
    "--host",
    "-h",
    "--network",
    "--net",
    "--network-alias",
    "--link",
    "--alias",
    "--user",
    "-u",
    "--namespace",
];

/// Words with which another command begins behind one that is known: what is run in a container, and what a sentence goes on
/// with. Only programs are here of which `-p` or `-a` is an option as well, and those that run them.
const OTHERS: [&str; 22] = [
    "ash",
    "bash",
    "sh",
    "zsh",
    "cp",
    "ls",
    "mkdir",
    "nc",
    "netstat",
    "pg_dump",
    "pg_restore",
    "psql",
    "rsync",
    "scp",
    "sftp",
    "ssh",
    "sudo",
    "tar",
    "tee",
    "then",
    "uname",
    "xargs",
];

/// The program that the words of a command are for, as far as it is known for its options.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Program {
    usage: Option<&'static Usage>,
    /// The quote that something in its command begins with and that was not closed yet: no other command begins in a statement.
    quote: Option<char>,
}

impl Program {
    /// The program behind this word, which stands behind another one.
    pub(super) fn after(self, word: &str, before: &str) -> Self {
        let quote = self.quote_after(word, before);
        let is_quoted = self.quote.is_some();
        if !is_quoted && (word == "--" || word.ends_with([';', '|', '&'])) {
            return Self::default();
        }
        let bare = word.trim_start_matches(BEFORE);
        let (option, name) = match bare.split_once('=') {
            Some((option, name)) if option.starts_with('-') => (option, name),
            _ => (before.trim_start_matches(BEFORE), word),
        };
        if NAMING.contains(&option) {
            return Self { quote, ..self };
        }
        let name = name.trim_end_matches(is_apart);
        let name = name.rsplit(is_apart).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let found = KNOWN.iter().find(|usage| usage.programs.contains(&name));
        match found {
            // The quote before its name is around the whole command.
            Some(usage) => Self {
                usage: Some(usage),
                quote: quote.filter(|_| is_quoted),
            },
            None if !is_quoted && self.ends_at(bare, before) => Self::default(),
            None => Self { quote, ..self },
        }
    }

    /// The quote that is open behind this word. What stands in quotes behind `-c` is a command.
    fn quote_after(self, word: &str, before: &str) -> Option<char> {
        if let Some(quote) = self.quote {
            return (!word.contains(quote)).then_some(quote);
        }
        let mut chars = word.trim_start_matches('\\').chars();
        let quote = chars.next().filter(|char| QUOTES.contains(char))?;
        let begins = chars
            .clone()
            .next()
            .is_some_and(|char| !matches!(char, ';' | '|' | '&' | ')'));
        let is_command = before.starts_with('-') && before.ends_with('c');
        let is_open = begins && !is_command && !chars.any(|char| char == quote);
        self.usage.and(is_open.then_some(quote))
    }

    /// Whether another command begins with this word. Behind an option it may be a user or a table that is called so.
    fn ends_at(self, bare: &str, before: &str) -> bool {
        let before = before.trim_start_matches(BEFORE);
        if bare.starts_with('-') || bare == "\\" {
            return false;
        }
        if let Some(valued) = self.usage.and_then(|usage| usage.runs) {
            return !valued.contains(&before);
        }
        let is_value = before.starts_with('-') && !before.contains('=');
        let name = bare.rsplit(is_apart).next().unwrap_or_default();
        !is_value && OTHERS.contains(&name)
    }

    /// The program behind all words of a text.
    pub(super) fn after_all(self, text: &str) -> Self {
        let mut before = "";
        text.split_whitespace().fold(self, |program, word| {
            let program = program.after(word, before);
            before = word;
            program
        })
    }

    /// What this word says about the one behind it, if it is the option that the secret is given by.
    pub(super) fn awaits_behind(self, word: &str) -> Option<Awaited> {
        let usage = self.usage?;
        let value = word.trim_start_matches(BEFORE).strip_prefix(usage.option)?;
        if value.is_empty() {
            usage.next.then_some(Awaited::Argument)
        } else {
            // The secret, or the name of a variable, stands in this word: `-p$MYSQL_PASSWORD heady`.
            usage.attached.then_some(Awaited::Nothing)
        }
    }

    /// Where the secret stands in this word.
    pub(super) fn in_word(self, word: &str) -> Option<Span> {
        let usage = self.usage.filter(|usage| usage.attached)?;
        let option = word.trim_start_matches(BEFORE);
        let value = option.strip_prefix(usage.option)?;
        let span = Span::of(word, word.len() - value.len(), end_of_value(word));
        let value = &word[span.start..span.end.max(span.start)];
        let is_made = value.starts_with("$(") || value.starts_with('`');
        let taken = !value.is_empty()
            && !is_made
            && !is_ports(value)
            && !opens_template(value)
            && Secrecy::Certain.takes(start(value));
        taken.then_some(span)
    }
}

/// What stands between the names in a word: `$(mysql`, `/usr/bin/mysql`, `"mysql`.
fn is_apart(char: char) -> bool {
    !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_' | '.')
}

/// Whether this maps ports, as containers have it: `3306:3306`, `127.0.0.1:3306:3306/tcp`.
pub(super) fn is_ports(value: &str) -> bool {
    let numbers = value.strip_suffix("/tcp").or(value.strip_suffix("/udp"));
    let numbers = numbers.unwrap_or(value);
    numbers.contains(':')
        && numbers
            .chars()
            .all(|char| char.is_ascii_digit() || matches!(char, ':' | '.' | '-'))
}
