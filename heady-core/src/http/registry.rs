//! Services, nodes and workflows over HTTP.

use std::future::Future;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Created, Put, Tagged};
use super::input::{Named, Nothing};
use super::route::{Call, routes};
use super::stream::{Events, Message, Source};
use crate::Json;
use crate::error::{Error, Result};
use crate::registry::{
    DetectDrift, DriftReport, ImportOptions, ImportReport, Node, PutService, PutWorkflow,
    RegistryChange, RegistryEvent, RegistryWatch, Seen, Service, WatchOptions, Workflow,
};
use crate::types::{Id, Timestamp};

routes! {
    /// Lists all services by id.
    "registry.listServices" GET "/api/services" Viewer |call, Nothing {}| call.registry().list_services();
    /// Registers a new service.
    "registry.registerService" POST "/api/services" Admin |call, options| created(call.registry().register_service(options));
    /// Returns a service.
    "registry.getService" GET "/api/services/{id}" Viewer |call, Named { id }| tagged(call.registry().get_service(&id));
    /// Creates a service (`If-None-Match: *`), or puts it in place of the one of its id (`If-Match: ETAG`, or `*`); putting what is
    /// there changes nothing.
    "registry.putService" PUT "/api/services/{id}" Admin |call, options| put_service(&call, options);
    /// Changes a service by a merge patch (RFC 7396) of its declared fields: objects are merged, null gives a field its
    /// default or takes a key out.
    "registry.patchService" PATCH "/api/services/{id}" Admin |call, options| tagged(call.registry().patch_service(options));
    /// Deletes a service and returns what it was.
    "registry.deleteService" DELETE "/api/services/{id}" Admin |call, options| call.registry().delete_service(options);

    /// Lists all workflows by id.
    "registry.listWorkflows" GET "/api/workflows" Viewer |call, Nothing {}| call.registry().list_workflows();
    /// Registers a new workflow.
    "registry.registerWorkflow" POST "/api/workflows" Admin |call, options| created(call.registry().register_workflow(options));
    /// Returns a workflow.
    "registry.getWorkflow" GET "/api/workflows/{id}" Viewer |call, Named { id }| tagged(call.registry().get_workflow(&id));
    /// Creates a workflow (`If-None-Match: *`), or puts it in place of the one of its id (`If-Match: ETAG`, or `*`); putting what is
    /// there changes nothing.
    "registry.putWorkflow" PUT "/api/workflows/{id}" Admin |call, options| put_workflow(&call, options);
    /// Changes a workflow by a merge patch (RFC 7396) of its declared fields: objects are merged, null gives a field its
    /// default or takes a key out.
    "registry.patchWorkflow" PATCH "/api/workflows/{id}" Admin |call, options| tagged(call.registry().patch_workflow(options));
    /// Deletes a workflow that has never run and returns what it was.
    "registry.deleteWorkflow" DELETE "/api/workflows/{id}" Admin |call, options| call.registry().delete_workflow(options);

    /// Records what a service says of its own health, which holds for a while.
    "registry.reportHealth" POST "/api/services/{id}/health" Operator |call, options| call.registry().report_health(options);
    /// Asks services for their health now and records what they answer.
    "registry.probe" POST "/api/registry/probe" Operator |call, options| call.registry().probe(options);
    /// Imports a registry document in one transaction.
    "registry.import" POST "/api/registry/import" Admin |call, options| import(&call, options);
    /// Lists the drift that was found last, and the sources that say so.
    "registry.listDrift" GET "/api/registry/drift" Viewer |call, query| call.registry().list_drift(query);
    /// Compares the registry with what it should be, and records what differs.
    "registry.detectDrift" POST "/api/registry/drift" Operator |call, options| detect_drift(&call, options);
    /// Returns the registry as the document that an import reads.
    "registry.export" GET "/api/registry/export" Viewer |call, Nothing {}| call.registry().export();
    /// Sends every change after a revision, in order and once, as it happens: each event has the change as its name
    /// and the revision, with the time of the change, as its id. A client that was interrupted goes on with `Last-Event-ID`;
    /// so that it can before it has seen an event, bookmarks come as ids alone unless they are asked for. If the events after
    /// the revision are gone, or it is that of another change, the answer is 410: list again.
    "registry.watch" GET "/api/registry/watch" Viewer |call, options| watch(&call, options);
}

/// What has an id in a collection, and a version that conditions name.
pub(super) trait Versioned {
    const COLLECTION: &'static str;

    fn id(&self) -> &Id;
    fn version(&self) -> i64;
}

macro_rules! versioned {
    ($($entry:ident in $collection:literal),*) => {$(
        impl Versioned for $entry {
            const COLLECTION: &'static str = $collection;

            fn id(&self) -> &Id {
                &self.id
            }

            fn version(&self) -> i64 {
                self.resource_version
            }
        }
    )*};
}
versioned!(Service in "services", Node in "nodes", Workflow in "workflows");

pub(super) async fn tagged<E: Versioned>(
    entry: impl Future<Output = Result<E>>,
) -> Result<Tagged<E>> {
    let body = entry.await?;
    Ok(Tagged {
        version: body.version(),
        body,
    })
}

/// What stands encoded in a path: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) async fn created<E: Versioned>(
    entry: impl Future<Output = Result<E>>,
) -> Result<Created<E>> {
    let made = tagged(entry).await?;
    let mut at = String::from(E::COLLECTION);
    at.push('/');
    at.extend(utf8_percent_encode(made.body.id().as_str(), RESERVED));
    Ok(Created { at, made })
}

pub(super) async fn put<E: Versioned>(
    if_absent: Option<bool>,
    entry: impl Future<Output = Result<E>>,
) -> Result<Put<E>> {
    Ok(Put {
        is_new: if_absent.unwrap_or(false),
        put: tagged(entry).await?,
    })
}

async fn put_service(call: &Call, options: PutService) -> Result<Put<Service>> {
    put(options.if_absent, call.registry().put_service(options)).await
}

async fn put_workflow(call: &Call, options: PutWorkflow) -> Result<Put<Workflow>> {
    put(options.if_absent, call.registry().put_workflow(options)).await
}

/// A watch as the source of a stream.
struct Changes {
    watch: RegistryWatch,
    /// Whether bookmarks are events, and not only ids.
    bookmarks: bool,
}

async fn watch(call: &Call, options: WatchOptions) -> Result<Events<Changes>> {
    let (since, since_at) = match call.last_event_id() {
        None => (options.since, options.since_at),
        // Not `since`: a client that goes on asks for the same address as before.
        Some(id) => read_id(id).ok_or_else(|| {
            let message = format!("Last-Event-ID: must be the id of an event, not '{id}'");
            Error::invalid_argument(message)
        })?,
    };
    let bookmarks = options.bookmarks.unwrap_or(false);
    let options = WatchOptions {
        since,
        since_at,
        // Whatever is shown, a client always learns where to go on.
        bookmarks: Some(true),
        ..options
    };
    let watch = call.registry().watch(options).await?;
    call.stream(Changes { watch, bookmarks })
}

/// How far a client has seen, as the id of an event: the revision, and when its change was.
fn id_of(Seen { revision, at }: Seen) -> String {
    match at {
        Some(at) => format!("{revision}-{}", at.timestamp_millis()),
        None => revision.to_string(),
    }
}

/// The same, from a client that goes on.
fn read_id(id: &str) -> Option<(Option<i64>, Option<Timestamp>)> {
    let (revision, at) = match id.split_once('-') {
        Some((revision, at)) => (
            revision,
            Some(Timestamp::from_timestamp_millis(at.parse().ok()?)?),
        ),
        None => (id, None),
    };
    Some((Some(revision.parse().ok()?), at))
}

impl Source for Changes {
    type Event = RegistryEvent;

    async fn next(&mut self) -> Result<Option<Message<RegistryEvent>>> {
        let event = self.watch.next().await?;
        Ok(event.map(|event| Message {
            id: id_of(self.watch.seen()),
            name: event.change.as_str(),
            data: Some(event)
                .filter(|event| self.bookmarks || event.change != RegistryChange::Bookmark),
        }))
    }
}

/// What to import. A file of the server is no business of its clients, so there is no path.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Import {
    /// The registry document.
    document: Option<Json>,
    /// Only say what would happen.
    dry_run: Option<bool>,
    /// Delete even a large share of what an earlier import brought.
    force: Option<bool>,
}

async fn import(call: &Call, options: Import) -> Result<ImportReport> {
    if options.document.is_none() {
        return Err(Error::invalid_argument(
            "document: the registry document must be given",
        ));
    }
    let options = ImportOptions {
        path: None,
        document: options.document,
        root: None,
        dry_run: options.dry_run,
        force: options.force,
    };
    call.registry().import(options).await
}

/// What to compare with. Files of the server are those that its operators named.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Compare {
    /// A registry document; what was imported last if left out.
    document: Option<Json>,
    /// Whether to ask the services for their health; true if left out.
    live: Option<bool>,
    /// A deploy manifest as a document: a Compose file, a list of PM2 apps or a registry. It is compared with again each time,
    /// until there is another; an empty text forgets it.
    manifest: Option<Json>,
    /// How long a service may take to answer, in milliseconds; 5,000 if left out.
    timeout_ms: Option<i64>,
}

async fn detect_drift(call: &Call, options: Compare) -> Result<DriftReport> {
    let forgets = options.manifest.as_deref().is_some_and(|text| text == "");
    let options = DetectDrift {
        path: None,
        document: options.document,
        live: options.live,
        manifest: forgets.then(String::new),
        manifest_document: options.manifest.filter(|_| !forgets),
        timeout_ms: options.timeout_ms,
    };
    call.registry().detect_drift(options).await
}
