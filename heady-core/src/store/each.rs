//! Columns of rows to write.

#[cfg(feature = "postgres")]
use sqlx::{Arguments as _, error::BoxDynError, postgres::PgArguments};

#[cfg(feature = "postgres")]
use self::value::{bool, int, list, text, time};
use super::sql::{Arg, check_nul, check_storable_json};
use crate::error::Result;
use crate::types::Timestamp;

/// A value for each row that a statement writes. PostgreSQL gets an array, which the statement unnests. SQLite is handed the
/// values themselves: there a statement with columns among its arguments runs once for each row.
#[derive(Debug, Clone)]
pub(crate) enum Each {
    Uuids(Vec<uuid::Uuid>),
    Texts(Vec<String>),
    Ints(Vec<i64>),
    Times(Vec<Timestamp>),
    /// Of so many bytes each.
    Bytes {
        bytes: Vec<u8>,
        width: usize,
    },
    /// JSON as text.
    Documents(Vec<String>),
    /// Of one kind, some of them NULL.
    Values(Kind, Vec<Arg>),
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Bool,
    Time,
    /// JSON as text.
    Document,
    /// A list of texts; on PostgreSQL as the text of an array.
    List,
}

impl Each {
    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Uuids(values) => values.len(),
            Self::Texts(values) | Self::Documents(values) => values.len(),
            Self::Ints(values) => values.len(),
            Self::Times(values) => values.len(),
            Self::Bytes { bytes, width } => bytes.len() / width,
            Self::Values(_, values) => values.len(),
        }
    }

    /// Whether a text has U+0000. Of JSON that is found when the text is read, which only a suspect one is.
    pub(super) fn has_nul(&self) -> Result<bool> {
        match self {
            Self::Texts(texts) => Ok(texts.iter().any(|text| text.contains('\0'))),
            Self::Documents(texts) => texts
                .iter()
                .try_for_each(|text| check_storable_json(text))
                .map(|()| false),
            Self::Values(Kind::Document, values) => values
                .iter()
                .try_for_each(|value| match value {
                    Arg::Text(Some(text)) => check_storable_json(text),
                    _ => Ok(()),
                })
                .map(|()| false),
            Self::Values(_, values) => values.iter().try_for_each(check_nul).map(|()| false),
            _ => Ok(false),
        }
    }
}

/// As arguments of PostgreSQL. A value of another kind than its column's becomes NULL.
#[cfg(feature = "postgres")]
impl Each {
    /// All values.
    pub(super) fn add_array(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Uuids(values) => arguments.add(values),
            Self::Texts(values) | Self::Documents(values) => arguments.add(values),
            Self::Ints(values) => arguments.add(values),
            Self::Times(values) => arguments.add(values),
            Self::Bytes { bytes, width } => {
                arguments.add(bytes.chunks_exact(*width).collect::<Vec<_>>())
            }
            Self::Values(kind, values) => {
                let all = values.iter();
                match kind {
                    Kind::Text | Kind::Document => arguments.add(all.map(text).collect::<Vec<_>>()),
                    Kind::Int => arguments.add(all.map(int).collect::<Vec<_>>()),
                    Kind::Bool => arguments.add(all.map(bool).collect::<Vec<_>>()),
                    Kind::Time => arguments.add(all.map(time).collect::<Vec<_>>()),
                    Kind::List => arguments.add(all.map(list).collect::<Vec<_>>()),
                }
            }
        }
    }

    /// The first value.
    pub(super) fn add_value(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Uuids(values) => arguments.add(values.first()),
            Self::Texts(values) | Self::Documents(values) => arguments.add(values.first()),
            Self::Ints(values) => arguments.add(values.first()),
            Self::Times(values) => arguments.add(values.first()),
            Self::Bytes { bytes, width } => arguments.add(bytes.chunks_exact(*width).next()),
            Self::Values(kind, values) => {
                let first = values.first();
                match kind {
                    Kind::Text | Kind::Document => arguments.add(first.and_then(text)),
                    Kind::Int => arguments.add(first.and_then(int)),
                    Kind::Bool => arguments.add(first.and_then(bool)),
                    Kind::Time => arguments.add(first.and_then(time)),
                    Kind::List => arguments.add(first.and_then(list)),
                }
            }
        }
    }
}

/// What a column's value is to PostgreSQL, one function for each kind.
#[cfg(feature = "postgres")]
mod value {
    use super::{Arg, Timestamp, array};

    macro_rules! kinds {
        ($($name:ident: $pattern:pat => $value:expr, $type:ty;)*) => { $(
            pub(super) fn $name(value: &Arg) -> Option<$type> {
                match value {
                    $pattern => $value,
                    _ => None,
                }
            }
        )* };
    }
    kinds! {
        text: Arg::Text(text) => text.as_deref(), &str;
        int: Arg::Int(number) => *number, i64;
        bool: Arg::Bool(value) => *value, bool;
        time: Arg::Time(time) => *time, Timestamp;
        list: Arg::Texts(texts) => Some(array(texts)), String;
    }
}

/// The text of an array.
#[cfg(feature = "postgres")]
fn array(texts: &[String]) -> String {
    let mut array = String::from("{");
    for text in texts {
        if array.len() > 1 {
            array.push(',');
        }
        array.push('"');
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array + "}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::store::testing::{Fresh, on_both_databases};
    use crate::store::{Arg, Call, Sql, Store};
    use crate::types::now;

    on_both_databases!(
        a_row_for_each_value,
        a_value_may_be_null,
        nothing_that_cannot_be_kept,
    );

    async fn table(store: &Store) {
        let table = Sql::of(
            "CREATE TABLE kinds (kind TEXT, n INTEGER, id TEXT, at TEXT, bytes BLOB, json TEXT)",
            "CREATE TABLE kinds (kind TEXT, n BIGINT, id UUID, at TIMESTAMPTZ, bytes BYTEA, json JSONB)",
        );
        store
            .write(|transaction| Box::pin(async move { transaction.execute(table, vec![]).await }))
            .await
            .unwrap();
    }

    fn insert(columns: Vec<Each>) -> Call {
        let sql = Sql::of(
            "DELETE FROM kinds WHERE kind = $1;
             INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6)",
            "INSERT INTO kinds SELECT $1, unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::timestamptz[]),
                unnest($5::bytea[]), unnest($6::text[])::jsonb",
        );
        let mut args = vec![Arg::from("new")];
        args.extend(columns.into_iter().map(Arg::Each));
        Call::default().with(sql, args)
    }

    fn columns(documents: &[&str]) -> Vec<Each> {
        let count = documents.len();
        vec![
            Each::Ints((0..count as i64).collect()),
            Each::Uuids((0..count).map(|_| uuid::Uuid::now_v7()).collect()),
            Each::Times(vec![now(); count]),
            Each::Bytes {
                bytes: (0..count as u8).flat_map(|n| [n, 0, 0xff]).collect(),
                width: 3,
            },
            Each::Documents(documents.iter().map(|text| (*text).to_owned()).collect()),
        ]
    }

    async fn a_row_for_each_value(fresh: Fresh) {
        let store = fresh.open().await;
        table(&store).await;
        for documents in [&["{}"][..], &["[1, null]", "\"a\"", "{}"]] {
            store.call(&insert(columns(documents))).await.unwrap();
        }
        let rows = "SELECT * FROM kinds WHERE kind = $1 ORDER BY id DESC LIMIT 3";
        let rows = store.fetch_all(rows, vec!["new".into()]).await.unwrap();
        let expected = [(2, "{}"), (1, "\"a\""), (0, "[1, null]")];
        assert_eq!(rows.len(), expected.len());
        for (row, (n, document)) in rows.iter().zip(expected) {
            assert_eq!(row.get::<i64>("n").unwrap(), n);
            assert_eq!(row.get::<Vec<u8>>("bytes").unwrap(), [n as u8, 0, 0xff]);
            let document: serde_json::Value = serde_json::from_str(document).unwrap();
            assert_eq!(row.get::<serde_json::Value>("json").unwrap(), document);
            assert!(row.get::<Timestamp>("at").unwrap() <= now());
        }
    }

    async fn a_value_may_be_null(fresh: Fresh) {
        let store = fresh.open().await;
        let table = Sql::of(
            "CREATE TABLE maybe (text TEXT, n INTEGER, yes INTEGER, at TEXT, json TEXT, list TEXT)",
            "CREATE TABLE maybe (text TEXT, n BIGINT, yes BOOLEAN, at TIMESTAMPTZ, json JSONB, list TEXT[])",
        );
        store
            .write(|transaction| Box::pin(async move { transaction.execute(table, vec![]).await }))
            .await
            .unwrap();
        let (at, document) = (now(), serde_json::json!({"a": ["\\", "\""]}));
        let lists = [
            vec![],
            ["a,b", "{\"c\"}", "\\d", " ", "NULL", "é"]
                .map(str::to_owned)
                .to_vec(),
        ];
        let columns = [
            (Kind::Text, vec![Arg::Text(None), "t".into()]),
            (Kind::Int, vec![Arg::Int(None), 7.into()]),
            (Kind::Bool, vec![Arg::Bool(None), true.into()]),
            (Kind::Time, vec![Arg::Time(None), at.into()]),
            (
                Kind::Document,
                vec![Arg::Text(None), document.to_string().into()],
            ),
            (
                Kind::List,
                lists.iter().map(|list| list.as_slice().into()).collect(),
            ),
        ];
        let insert = Sql::of(
            "INSERT INTO maybe VALUES ($1, $2, $3, $4, $5, $6)",
            "INSERT INTO maybe SELECT unnest($1::text[]), unnest($2::bigint[]), unnest($3::boolean[]),
                unnest($4::timestamptz[]), unnest($5::text[])::jsonb, unnest($6::text[])::text[]",
        );
        // Together, or one by one, which PostgreSQL is told in another way.
        for at_once in [2, 1] {
            let clear = Call::default().with("DELETE FROM maybe", vec![]);
            store.call(&clear).await.unwrap();
            for first in (0..2).step_by(at_once) {
                let rows = first..first + at_once;
                let columns = columns.iter().map(|(kind, values)| {
                    Arg::Each(Each::Values(*kind, values[rows.clone()].to_vec()))
                });
                let call = Call::default().with(insert.clone(), columns.collect::<Vec<_>>());
                store.call(&call).await.unwrap();
            }
            are_as_written(&store, at, &document, &lists).await;
        }
        let nul = Each::Values(Kind::Document, vec!["\"\\u0000\"".into()]);
        assert!(nul.has_nul().is_err());
        let nul = Each::Values(Kind::List, vec![["\0".to_owned()].as_slice().into()]);
        assert!(nul.has_nul().is_err());
    }

    async fn are_as_written(
        store: &Store,
        at: Timestamp,
        document: &serde_json::Value,
        lists: &[Vec<String>],
    ) {
        let rows = "SELECT * FROM maybe ORDER BY n IS NOT NULL";
        let rows = store.fetch_all(rows, vec![]).await.unwrap();
        let null = &rows[0];
        assert_eq!(null.get::<Option<String>>("text").unwrap(), None);
        assert_eq!(null.get::<Option<i64>>("n").unwrap(), None);
        assert_eq!(null.get::<Option<bool>>("yes").unwrap(), None);
        assert_eq!(null.get::<Option<Timestamp>>("at").unwrap(), None);
        assert_eq!(null.get::<Option<serde_json::Value>>("json").unwrap(), None);
        let there = &rows[1];
        assert_eq!(there.get::<String>("text").unwrap(), "t");
        assert_eq!(there.get::<i64>("n").unwrap(), 7);
        assert!(there.get::<bool>("yes").unwrap());
        assert_eq!(there.get::<Timestamp>("at").unwrap(), at);
        assert_eq!(there.get::<serde_json::Value>("json").unwrap(), *document);
        assert_eq!(rows.len(), lists.len());
        for (row, list) in rows.iter().zip(lists) {
            assert_eq!(row.get::<Vec<String>>("list").unwrap(), *list);
        }
    }

    async fn nothing_that_cannot_be_kept(fresh: Fresh) {
        let store = fresh.open().await;
        table(&store).await;
        let call = insert(columns(&["{}", "\"\\u0000\""]));
        let error = store.call(&call).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let texts = Each::Texts(vec!["a".to_owned(), "\0".to_owned()]);
        assert!(texts.has_nul().unwrap());
        let rows = store
            .fetch_all("SELECT * FROM kinds", vec![])
            .await
            .unwrap();
        assert!(rows.is_empty());
    }
}
