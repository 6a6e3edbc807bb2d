//! Nodes, also as earlier clients read them.

use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Put;
use super::input::{Named, Nothing};
use super::registry::{Versioned, created, put, tagged};
use super::route::{Call, routes};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{DeleteEntry, Node, NodeList, PatchEntry, PutNode, UpdateNode};
use crate::types::{Id, Timestamp, now};

routes! {
    /// Lists all nodes by id.
    "registry.listNodes" GET "/api/nodes" Viewer |call, Nothing {}| nodes(&call);
    /// Registers a new node.
    "registry.registerNode" POST "/api/nodes" Admin |call, options| created(in_full(call.registry().register_node(options)));
    /// Returns a node, also if its id is written in lower case, as every call that names one does.
    "registry.getNode" GET "/api/nodes/{id}" Viewer |call, Named { id }| tagged(in_full(node(&call, &id)));
    /// Creates a node (`If-None-Match: *`), or puts it in place of the one of its id (`If-Match: ETAG`, or `*`); putting what is
    /// there changes nothing.
    "registry.putNode" PUT "/api/nodes/{id}" Admin |call, options| put_node(&call, options);
    /// Changes a node by a merge patch (RFC 7396) of its declared fields: objects are merged, null gives a field its
    /// default or takes a key out.
    "registry.patchNode" PATCH "/api/nodes/{id}" Admin |call, options| tagged(patch_node(&call, options));
    /// Deletes a node and returns what it was.
    "registry.deleteNode" DELETE "/api/nodes/{id}" Admin |call, options| delete_node(&call, options);
    /// Makes a node take work.
    "activateNode" POST "/api/nodes/{id}/activate" Operator |call, Named { id }| switch(&call, &id, true);
    /// Makes a node take no more work.
    "deactivateNode" POST "/api/nodes/{id}/deactivate" Operator |call, Named { id }| switch(&call, &id, false);
}

/// A node, and beside it what earlier clients read of its entry.
#[derive(Serialize, JsonSchema)]
struct FullNode {
    #[serde(flatten)]
    node: Node,
    /// `active` if it takes work, else `available`.
    status: &'static str,
    /// What else stands in its entry, such as `role` and `primary_tool`; `metadata` has all of it.
    #[serde(flatten)]
    entry: Map<String, Value>,
}

impl Versioned for FullNode {
    const COLLECTION: &'static str = Node::COLLECTION;

    fn id(&self) -> &Id {
        &self.node.id
    }

    fn version(&self) -> i64 {
        self.node.version()
    }
}

impl FullNode {
    fn of(node: Node) -> Result<Self> {
        let mut entry = node.metadata.as_object().cloned().unwrap_or_default();
        // What the engine knows better.
        if let Value::Object(own) = serde_json::to_value(&node)? {
            entry.retain(|key, _| key != "status" && !own.contains_key(key));
        }
        Ok(Self {
            status: status(&node),
            node,
            entry,
        })
    }
}

/// The word that earlier clients read for it.
fn status(node: &Node) -> &'static str {
    if node.enabled { "active" } else { "available" }
}

async fn in_full(node: impl Future<Output = Result<Node>>) -> Result<FullNode> {
    match node.await {
        Ok(node) => FullNode::of(node),
        Err(error) => Err(with_full_current(error)),
    }
}

/// An error that has the current node, as that is answered elsewhere.
fn with_full_current(error: Error) -> Error {
    let mut details = error.details().cloned().unwrap_or_default();
    let current = details.get_mut("current").and_then(|current| {
        let node = serde_json::from_value(current.clone()).ok()?;
        *current = serde_json::to_value(FullNode::of(node).ok()?).ok()?;
        Some(())
    });
    match current {
        Some(()) => error.with_details(details),
        None => error,
    }
}

/// All nodes, and how many of them take work.
#[derive(Serialize, JsonSchema)]
struct AllNodes {
    /// How many there are.
    total: usize,
    /// How many are enabled.
    active: usize,
    /// The nodes.
    nodes: Vec<FullNode>,
    /// The registry's revision at which this was so: watch from here.
    revision: i64,
    ts: Timestamp,
}

async fn nodes(call: &Call) -> Result<AllNodes> {
    let NodeList { nodes, revision } = call.registry().list_nodes().await?;
    Ok(AllNodes {
        total: nodes.len(),
        active: nodes.iter().filter(|node| node.enabled).count(),
        nodes: nodes.into_iter().map(FullNode::of).collect::<Result<_>>()?,
        revision,
        ts: now(),
    })
}

async fn node(call: &Call, id: &str) -> Result<Node> {
    match call.registry().get_node(id).await {
        // Earlier clients rely on ids being read in upper case.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let upper = call.registry().get_node(&id.to_uppercase()).await;
            upper.map_err(|_| error)
        }
        found => found,
    }
}

/// The id of the node that is meant, where there is one: a change goes to the one that a look at the same address shows.
async fn meant(call: &Call, id: String) -> Result<String> {
    match node(call, &id).await {
        Ok(node) => Ok(node.id.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(id),
        Err(error) => Err(error),
    }
}

async fn put_node(call: &Call, mut options: PutNode) -> Result<Put<FullNode>> {
    options.id = meant(call, options.id).await?;
    put(
        options.if_absent,
        in_full(call.registry().put_node(options)),
    )
    .await
}

async fn patch_node(call: &Call, mut options: PatchEntry) -> Result<FullNode> {
    options.id = meant(call, options.id).await?;
    in_full(call.registry().patch_node(options)).await
}

async fn delete_node(call: &Call, mut options: DeleteEntry) -> Result<FullNode> {
    options.id = meant(call, options.id).await?;
    in_full(call.registry().delete_node(options)).await
}

/// A node after it was switched.
#[derive(Serialize, JsonSchema)]
struct Switched {
    /// Always true; a refusal is an error.
    success: bool,
    /// The node's id.
    node: String,
    /// `active` or `available`.
    status: &'static str,
    ts: Timestamp,
}

async fn switch(call: &Call, id: &str, enabled: bool) -> Result<Switched> {
    let options = UpdateNode {
        id: node(call, id).await?.id.to_string(),
        enabled: Some(enabled),
        ..UpdateNode::default()
    };
    let node = call.registry().update_node(options).await?;
    Ok(Switched {
        success: true,
        node: node.id.to_string(),
        status: status(&node),
        ts: now(),
    })
}
