//! The columns into which a statement writes rows, as its text and its arguments need them.

use super::each::{Each, Kind};
use super::sql::Arg;

/// Names and, for PostgreSQL, types of columns.
#[derive(Debug, Clone)]
pub(crate) struct Columns(Vec<(&'static str, &'static str)>);

impl Columns {
    pub(crate) fn of(columns: &[(&'static str, &'static str)]) -> Self {
        Self(columns.to_vec())
    }

    /// The same and others behind them.
    pub(crate) fn and(mut self, others: &[(&'static str, &'static str)]) -> Self {
        self.0.extend(others);
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(name, _)| *name)
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
        let places = self.0.iter().zip(first..);
        let arrays = places.map(|((name, kind), place)| match *kind {
            "jsonb" | "text[]" | "uuid" => {
                format!("unnest(${place}::text[])::{kind} AS {name}")
            }
            kind => format!("unnest(${place}::{kind}[]) AS {name}"),
        });
        arrays.collect::<Vec<_>>().join(", ")
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
            .0
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
