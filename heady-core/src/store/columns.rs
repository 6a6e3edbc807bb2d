//! The columns into which a statement writes rows, as its text and its arguments need them.

use super::each::{Each, Kind};
use super::sql::Arg;

/// The name of a column and, for PostgreSQL, its type.
type Column = (&'static str, &'static str);

/// Columns in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    own: &'static [Column],
    more: &'static [Column],
}

impl Columns {
    pub(crate) const fn of(own: &'static [Column]) -> Self {
        Self { own, more: &[] }
    }

    /// The same and others behind them.
    pub(crate) const fn and(self, more: &'static [Column]) -> Self {
        Self { more, ..self }
    }

    pub(crate) const fn len(&self) -> usize {
        self.own.len() + self.more.len()
    }

    fn iter(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.own.iter().chain(self.more)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.iter().map(|(name, _)| *name)
    }

    /// Their names with commas between.
    pub(crate) fn list(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }

    /// The values of one row on SQLite, arguments from the number `first` on.
    pub(crate) fn values(&self, first: usize) -> String {
        let places = (first..).take(self.len());
        places
            .map(|place| format!("${place}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What to select on PostgreSQL to get the rows, of the same arguments.
    pub(crate) fn unnested(&self, first: usize) -> String {
        let arrays = self.iter().zip(first..).map(|((name, kind), place)| {
            let held = held(kind);
            let cast = if held == *kind {
                String::new()
            } else {
                format!("::{kind}")
            };
            format!("unnest(${place}::{held}[]){cast} AS {name}")
        });
        arrays.collect::<Vec<_>>().join(", ")
    }

    /// The same as a query of which PostgreSQL's planner expects few rows. It keeps a plan for long, and in a table that was
    /// small when it made one it would look at every row to find ten; a limit that it does not know counts as a tenth of
    /// what is there.
    pub(crate) fn few(&self, first: usize) -> String {
        let held = self.iter().next().map_or("text", |(_, kind)| held(kind));
        format!(
            "SELECT {} LIMIT cardinality(${first}::{held}[])",
            self.unnested(first)
        )
    }

    /// The rows, each a value for every column, as arguments.
    pub(crate) fn arguments(&self, rows: impl ExactSizeIterator<Item = Vec<Arg>>) -> Vec<Arg> {
        let kind = |kind: &str| match kind {
            "bigint" => Kind::Int,
            "boolean" => Kind::Bool,
            "timestamptz" => Kind::Time,
            "jsonb" => Kind::Document,
            "text[]" => Kind::List,
            _ => Kind::Text,
        };
        let mut columns: Vec<_> = self
            .iter()
            .map(|(_, name)| (kind(name), Vec::with_capacity(rows.len())))
            .collect();
        for row in rows {
            for (value, (_, values)) in row.into_iter().zip(&mut columns) {
                values.push(value);
            }
        }
        let columns = columns.into_iter();
        columns
            .map(|(kind, values)| Arg::Each(Each::Values(kind, values)))
            .collect()
    }
}

/// What an argument's array holds of values of this type.
fn held(kind: &'static str) -> &'static str {
    match kind {
        "jsonb" | "text[]" | "uuid" => "text",
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_arguments_go_together() {
        let columns = Columns::of(&[("id", "uuid"), ("n", "bigint")]).and(&[("at", "jsonb")]);
        assert_eq!(columns.list(), "id, n, at");
        assert_eq!(columns.values(4), "$4, $5, $6");
        assert_eq!(
            columns.unnested(4),
            "unnest($4::text[])::uuid AS id, unnest($5::bigint[]) AS n, unnest($6::text[])::jsonb AS at"
        );
        assert_eq!(
            Columns::of(&[("id", "uuid")]).few(2),
            "SELECT unnest($2::text[])::uuid AS id LIMIT cardinality($2::text[])"
        );
        let rows = [
            vec!["a".into(), 1.into(), "{}".into()],
            vec!["b".into(), 2.into(), Arg::Text(None)],
        ];
        let arguments = columns.arguments(rows.into_iter());
        assert_eq!(arguments.len(), 3);
        let Arg::Each(Each::Values(Kind::Int, numbers)) = &arguments[1] else {
            panic!("{arguments:?}");
        };
        assert!(matches!(
            numbers[..],
            [Arg::Int(Some(1)), Arg::Int(Some(2))]
        ));
    }
}
