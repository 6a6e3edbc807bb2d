//! Where one is in a document.

/// The most characters of a key, and of a whole place, that are shown.
const MOST_OF_KEY: usize = 200;
const MOST: usize = 500;

/// Where one is in a document, for people: `services[0].apiKey`. It grows and shrinks on the way, so that a place costs
/// nothing unless it is shown.
#[derive(Debug, Default)]
pub(in super::super) struct Place(String);

impl Place {
    /// Goes to a key, and says how to leave it.
    pub(in super::super) fn enter_key(&mut self, key: &str) -> usize {
        let before = self.0.len();
        if before > 0 {
            self.0.push('.');
        }
        let shown = start(key, MOST_OF_KEY);
        self.0.push_str(shown);
        if shown.len() < key.len() {
            self.0.push('…');
        }
        before
    }

    /// Goes to an item of a list, and says how to leave it.
    pub(in super::super) fn enter_item(&mut self, index: usize) -> usize {
        let before = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        before
    }

    pub(in super::super) fn leave(&mut self, before: usize) {
        self.0.truncate(before);
    }

    pub(in super::super) fn shown(&self) -> String {
        let shown = start(&self.0, MOST);
        let rest = if shown.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        format!("{shown}{rest}")
    }
}

fn start(text: &str, most: usize) -> &str {
    text.char_indices()
        .nth(most)
        .map_or(text, |(end, _)| &text[..end])
}
