//! Columns of rows to write.

use super::sql::check_nul_in_document;
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
        }
    }

    /// Whether a text has U+0000. Of JSON that is found when the text is read, which only a suspect one is.
    pub(super) fn has_nul(&self) -> Result<bool> {
        match self {
            Self::Texts(texts) => Ok(texts.iter().any(|text| text.contains('\0'))),
            Self::Documents(texts) => texts
                .iter()
                .try_for_each(|text| check_nul_in_document(text))
                .map(|()| false),
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::store::testing::{Fresh, on_both_databases};
    use crate::store::{Arg, Call, Sql, Store};
    use crate::types::now;

    on_both_databases!(a_row_for_each_value, nothing_that_cannot_be_kept);

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
