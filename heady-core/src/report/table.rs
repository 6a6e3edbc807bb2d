//! Plain tables: columns apart, a line under the head, nothing that a log would garble.

use std::cell::Cell;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

thread_local! {
    /// How wide the tables are that are drawn on this thread now.
    static WIDTH: Cell<Option<u16>> = const { Cell::new(None) };
}

/// Draws something whose tables are to be no wider than a terminal with so many columns: what stands in a cell goes on below
/// then, and nothing is cut.
pub fn within<T>(columns: u16, draw: impl FnOnce() -> T) -> T {
    /// Puts the width back that was there before, whatever happens.
    struct Before(Option<u16>);
    impl Drop for Before {
        fn drop(&mut self) {
            WIDTH.set(self.0);
        }
    }
    let _before = Before(WIDTH.replace(Some(columns)));
    draw()
}

/// A table with these columns; a name that begins with `>` stands for one whose cells are flush right.
pub(super) fn new(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    match WIDTH.get() {
        Some(columns) => {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(columns);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
    for (index, name) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((if index == 0 { 2 } else { 0 }, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// The table as text without blanks at the ends of lines.
pub(super) fn text(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> String {
        let mut table = new(&["Service", "Name", ">Version"]);
        let name = "A name of which nobody thought that it would ever be drawn in eighty columns, long as it is";
        table.add_row([&"service-".repeat(5), name, "12"]);
        table.add_row(["api", "API", "3"]);
        text(&table)
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_and_has_every_character() {
        let letters = |text: &str| {
            let mut letters: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
            letters.sort_unstable();
            letters
        };
        let whole = drawn();
        assert_eq!(whole.lines().count(), 4, "{whole}");
        for columns in [60, 80, 100] {
            let narrow = within(columns, drawn);
            let widest = narrow.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(usize::from(columns)), "{narrow}");
            assert_eq!(letters(&narrow), letters(&whole), "{narrow}");
        }
        assert_eq!(within(200, drawn), whole);
        assert_eq!(drawn(), whole, "the width is for what is drawn within it");
    }
}
