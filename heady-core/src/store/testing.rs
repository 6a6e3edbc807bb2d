//! Fresh databases for tests, and the macro that runs one suite on both.

use super::{Durability, Store};

/// A fresh database and the URL that opens it once more.
pub(crate) struct Fresh {
    pub(crate) url: String,
    /// Removed with the fixture.
    _folder: Option<tempfile::TempDir>,
}

impl Fresh {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("heady.db").display());
        Self {
            url,
            _folder: Some(folder),
        }
    }

    /// A schema of its own on the server that `make test` starts.
    #[cfg(feature = "postgres")]
    pub(crate) async fn postgres() -> Self {
        use sqlx::{Connection, Executor};
        let server = std::env::var("HEADY_TEST_POSTGRES_URL")
            .expect("tests on PostgreSQL need HEADY_TEST_POSTGRES_URL; `make test` starts a server and sets it");
        let schema = format!(
            "test_{}",
            crate::types::Id::new().as_str().replace('-', "_")
        );
        let mut session = sqlx::PgConnection::connect(&server).await.unwrap();
        session
            .execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .await
            .unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        Self {
            url: format!("{server}{separator}options[search_path]={schema},public"),
            _folder: None,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        // Tests do not pull the plug, so they need not wait for the disk.
        Store::connect(&self.url, Durability::Process)
            .await
            .unwrap()
    }
}

/// A process that dies at a chosen moment.
pub(crate) struct Crash {
    moments_left: usize,
    happened: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Crash {
    pub(crate) fn at(moment: usize) -> (Self, impl Future<Output = ()>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let happened = async move {
            if receiver.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (
            Self {
                moments_left: moment,
                happened: Some(sender),
            },
            happened,
        )
    }

    /// Whether the process is dead by now; each asking is a moment.
    pub(crate) fn is_now(&mut self) -> bool {
        if self.moments_left > 0 {
            self.moments_left -= 1;
            return false;
        }
        if let Some(happened) = self.happened.take() {
            let _ = happened.send(());
        }
        true
    }
}

/// Runs `async fn case(fresh: Fresh)` on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* $case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] $(#[$attribute])*
            async fn $case() { super::$case($crate::store::testing::Fresh::sqlite()).await })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] $(#[$attribute])*
            async fn $case() { super::$case($crate::store::testing::Fresh::postgres().await).await })*
        }
    };
}
pub(crate) use on_both_databases;
