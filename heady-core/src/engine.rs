//! The engine as a whole: opened once, shared by everything that calls it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::audit::Audit;
use crate::error::{Error, Result};
use crate::monte_carlo::MonteCarlo;
use crate::outbound::{HostRules, HttpClient, ProgramRules};
use crate::pipeline::{Pipeline, Tools};
use crate::registry::Registry;
use crate::store::{Durability, Store, StoreOptions};

/// How to open an engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct EngineOptions {
    /// Who acts through this engine, as the audit log names them; `engine` if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub actor: Option<String>,
    /// What a commit survives on SQLite; `FULL` if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub durability: Option<Durability>,
    /// The programs that pipelines may run: names to find on the PATH, or absolute paths.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub allow_programs: Option<Vec<String>>,
    /// The hosts that pipelines may call besides loopback and the services of the registry.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub allow_hosts: Option<Vec<String>>,
    /// The file of the key that signs checkpoints of the audit log, created if it is missing; `<database>-audit-key`
    /// beside a SQLite database if left out. On PostgreSQL nothing is signed without it.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub audit_key: Option<String>,
    /// Whether a SQLite file that is missing is created; true if left out. With false that is `NOT_FOUND`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub create_if_missing: Option<bool>,
}

/// Which of the engine's loops to start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct StartOptions {
    /// Whether to execute runs whose worker is gone; true if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub workers: Option<bool>,
    /// Whether to take a share in probing the services of the registry; true if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub probes: Option<bool>,
}

/// An open engine, cheap to clone.
///
/// ```
/// # tokio_test(async {
/// let heady = heady_core::Heady::connect("sqlite::memory:").await?;
/// assert!(heady.audit().list(Default::default()).await?.entries.is_empty());
/// heady.close().await;
/// # Ok::<_, heady_core::Error>(()) });
/// # fn tokio_test<T>(future: impl Future<Output = T>) -> T {
/// #     tokio::runtime::Runtime::new().unwrap().block_on(future)
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Heady {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    actor: Arc<str>,
    audit: Audit,
    registry: Registry,
    monte_carlo: MonteCarlo,
    pipeline: Pipeline,
}

impl Heady {
    /// Opens the database at `url` with default options: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a URL that is none, `FAILED_PRECONDITION` for a newer schema or a missing extension,
    /// `UNAVAILABLE`, `UNAUTHENTICATED`, `NOT_FOUND` or `PERMISSION_DENIED` as the database answers.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::open(url, EngineOptions::default()).await
    }

    /// Opens the database at `url`.
    ///
    /// # Errors
    /// As [`Heady::connect`].
    pub async fn open(url: &str, options: EngineOptions) -> Result<Self> {
        if let Some(actor) = &options.actor
            && (actor.trim().is_empty() || actor.contains('\0'))
        {
            return Err(Error::invalid_argument(
                "actor: must be a text without the character U+0000",
            ));
        }
        let file = StoreOptions {
            durability: options.durability.unwrap_or_default(),
            create_if_missing: options.create_if_missing.unwrap_or(true),
        };
        let store = Store::open(url, file).await?;
        let actor: Arc<str> = options.actor.as_deref().unwrap_or("engine").into();
        let http = HttpClient::new(HostRules::new(options.allow_hosts.unwrap_or_default()))?;
        let registry = Registry::new(store.clone(), http.clone(), actor.clone());
        let monte_carlo = MonteCarlo::new(store.clone());
        let tools = Tools {
            http,
            programs: ProgramRules::new(&options.allow_programs.unwrap_or_default()),
            registry: registry.clone(),
            monte_carlo: monte_carlo.clone(),
        };
        let pipeline = Pipeline::new(store.clone(), tools, actor.clone());
        let mut audit = Audit::new(store.clone());
        if let Some(file) = options.audit_key {
            audit = audit.with_key(file.into());
            if let Err(error) = audit.check_key().await {
                store.close().await;
                return Err(error);
            }
        }
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                actor,
                audit,
                registry,
                monte_carlo,
                pipeline,
            }),
        })
    }

    /// The same engine for another caller: what is changed through it stands in the audit log under this actor.
    ///
    /// It costs a few reference counts, so a door takes one for each request.
    #[must_use]
    pub fn acting_as(&self, actor: &str) -> Self {
        let actor: Arc<str> = actor.into();
        let inner = &self.inner;
        Self {
            inner: Arc::new(Inner {
                store: inner.store.clone(),
                audit: inner.audit.clone(),
                registry: inner.registry.acting_as(actor.clone()),
                monte_carlo: inner.monte_carlo.clone(),
                pipeline: inner.pipeline.acting_as(actor.clone()),
                actor,
            }),
        }
    }

    /// Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
    /// registered here, and probes the services of the registry.
    ///
    /// # Errors
    /// `UNAVAILABLE` for an engine that is closed.
    pub fn start(&self, options: StartOptions) -> Result<()> {
        self.inner.store.check_open()?;
        if options.workers.unwrap_or(true) {
            self.inner.pipeline.start_worker();
        }
        self.inner.registry.start(options.probes.unwrap_or(true));
        self.inner.audit.start();
        Ok(())
    }

    /// The audit log.
    pub fn audit(&self) -> &Audit {
        &self.inner.audit
    }

    /// The registry of services, nodes and workflows.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Simulations.
    pub fn monte_carlo(&self) -> &MonteCarlo {
        &self.inner.monte_carlo
    }

    /// Pipelines and their runs.
    pub fn pipeline(&self) -> &Pipeline {
        &self.inner.pipeline
    }

    #[cfg(feature = "http")]
    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Who acts through this engine, as the audit log names them.
    pub fn actor(&self) -> &str {
        &self.inner.actor
    }

    /// Hands its runs back, finishes what is being written and closes the database.
    pub async fn close(&self) {
        // Runs first: a task of theirs that asks for health is handed back, and has not failed.
        self.inner.pipeline.close().await;
        self.inner.registry.close().await;
        self.inner.audit.close().await;
        self.inner.store.close().await;
    }
}
