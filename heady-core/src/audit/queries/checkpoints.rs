//! The SQL of checkpoints.

use crate::audit::AuditCheckpoint;
use crate::error::Result;
use crate::store::{Arg, Dialect, Row, Sql, Store, args};
use crate::types::{Id, hex, unhex_all};

pub(in crate::audit) async fn add_checkpoint(
    store: &Store,
    checkpoint: &AuditCheckpoint,
) -> Result<()> {
    let args = vec![
        Arg::uuid(&checkpoint.id),
        checkpoint.rows.into(),
        (&checkpoint.note).into(),
        (&checkpoint.public_key).into(),
        checkpoint.created_at.into(),
    ];
    store
        .write(move |transaction| {
            Box::pin(async move {
                let sql = "INSERT INTO audit_checkpoints (id, rows, note, public_key, created_at) VALUES ($1, $2, $3, $4, $5)";
                transaction.execute(sql, args).await.map(drop)
            })
        })
        .await
}

pub(in crate::audit) fn checkpoint(row: &Row) -> Result<AuditCheckpoint> {
    Ok(AuditCheckpoint {
        id: row.get("id")?,
        rows: row.get("rows")?,
        note: row.get("note")?,
        public_key: row.get("public_key")?,
        created_at: row.get("created_at")?,
    })
}

/// A place among checkpoints: just after the one whose identifier has these bytes in the database, whatever somebody wrote
/// there.
#[derive(Debug, Clone)]
pub(in crate::audit) struct CheckpointPlace {
    /// What SQLite does not take for a text sorts behind all texts.
    is_text: bool,
    id: Vec<u8>,
}

impl CheckpointPlace {
    /// Just after a checkpoint.
    pub(in crate::audit) fn after(row: &Row) -> Result<Self> {
        let uuid = row.get::<Id>("id").ok().and_then(|id| id.uuid());
        match (row.get::<Vec<u8>>("id_bytes"), uuid) {
            (Ok(id), _) => Ok(Self {
                is_text: row.get("id_is_text")?,
                id,
            }),
            (Err(_), Some(uuid)) => Ok(Self {
                is_text: true,
                id: uuid.as_bytes().to_vec(),
            }),
            (Err(error), None) => Err(error),
        }
    }

    /// Reads what a cursor's text has.
    pub(in crate::audit) fn read(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once('-')?;
        Some(Self {
            is_text: match kind {
                "text" => true,
                "bytes" => false,
                _ => return None,
            },
            id: unhex_all(id)?,
        })
    }
}

impl std::fmt::Display for CheckpointPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.is_text { "text" } else { "bytes" };
        write!(f, "{kind}-{}", hex(&self.id))
    }
}

/// Checkpoints in the order of their identifiers, which is that in which they were made, as they are stored.
pub(in crate::audit) async fn checkpoints_after(
    store: &Store,
    after: Option<&CheckpointPlace>,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut args = args![limit];
    let sqlite = match after {
        None => "true",
        Some(CheckpointPlace { is_text: true, .. }) => "id > CAST($2 AS TEXT)",
        Some(_) => "id > $2",
    };
    let postgres = after.map_or("true", |_| "id > $2");
    args.extend(after.map(|after| match store.dialect() {
        Dialect::Sqlite => after.id.clone().into(),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => Arg::Uuid(uuid::Uuid::from_slice(&after.id).ok()),
    }));
    let sql = Sql::of(
        format!(
            "SELECT *, CAST(id AS BLOB) AS id_bytes, typeof(id) = 'text' AS id_is_text FROM audit_checkpoints
             WHERE {sqlite} ORDER BY id LIMIT $1"
        ),
        format!("SELECT * FROM audit_checkpoints WHERE {postgres} ORDER BY id LIMIT $1"),
    );
    store.fetch_all(sql, args).await
}

/// The keys that the stored checkpoints name, as far as they can be read.
pub(in crate::audit) async fn public_keys(store: &Store) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT public_key FROM audit_checkpoints ORDER BY public_key";
    let rows = store.fetch_all(sql, vec![]).await?;
    let keys = rows.iter().filter_map(|row| row.get("public_key").ok());
    Ok(keys.collect())
}
