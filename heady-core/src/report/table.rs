//! Plain tables: columns apart, a line under the head, nothing that a log would garble.

use std::cell::Cell;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};

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

/// The least room of a column whose longest word has to be broken.
const BROKEN: usize = 12;

/// Lets columns be no narrower than their longest words, the longest of which are broken if there is no room: an id is to be
/// copied, and prose goes on below.
fn keep_words(table: &mut Table, columns: usize) {
    let longest = |text: String| {
        text.split_whitespace()
            .map(|word| word.chars().count())
            .max()
    };
    let mut words = vec![0; table.column_count()];
    let rows = table.header().into_iter().chain(table.row_iter());
    for (place, cell) in rows.flat_map(|row| row.cell_iter().enumerate()) {
        words[place] = words[place].max(longest(cell.content()).unwrap_or(0));
    }
    // The first column is padded on both sides.
    let room = columns.saturating_sub(2 * (words.len() + 1));
    let mut order: Vec<usize> = (0..words.len()).collect();
    order.sort_unstable_by_key(|place| words[*place]);
    let mut kept = words.clone();
    while kept.iter().sum::<usize>() > room
        && let Some(place) = order.pop()
    {
        kept[place] = kept[place].min(BROKEN);
    }
    if kept.iter().sum::<usize>() > room {
        return;
    }
    for (column, words) in table.column_iter_mut().zip(kept) {
        let padding = column.padding_width();
        let least = u16::try_from(words)
            .unwrap_or(u16::MAX)
            .saturating_add(padding);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
    }
}

/// The table as text without blanks at the ends of lines.
pub(super) fn text(table: &Table) -> String {
    let mut table = table.clone();
    if let Some(columns) = WIDTH.get() {
        keep_words(&mut table, usize::from(columns));
    }
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
        // Prose goes on below, and what is copied is in one piece.
        assert!(within(80, drawn).contains(&"service-".repeat(5)));
        assert!(within(64, drawn).contains(&"service-".repeat(5)));
        for columns in 0..60 {
            assert_eq!(
                letters(&within(columns, drawn)),
                letters(&whole),
                "{columns}"
            );
        }
        assert_eq!(drawn(), whole, "the width is for what is drawn within it");
    }
}
