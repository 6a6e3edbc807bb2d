//! Documents that share words with registries and are none.

use serde_json::{Map, Value};

use super::group::PLACES;

/// A format: the keys that all its documents have, what to say about it, and the sections that are its own as well.
type Format = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

const OTHERS: &[Format] = &[
    (&["openapi"], "an API description", &["components"]),
    (&["swagger"], "an API description", &["components"]),
    (&["asyncapi"], "an API description", &["components"]),
    (&["mcpServers"], "a configuration of MCP servers", &[]),
    (&["pipeline"], "a pipeline definition (heady run)", &[]),
    (&["apiVersion", "kind"], "a Kubernetes resource", &[]),
    (&["name", "version", "scripts"], "a package manifest", &[]),
    (&["lockfileVersion"], "a lock file", &[]),
    (&["nodes", "edges"], "a graph", &["nodes"]),
    (&["nodes", "links"], "a graph", &["nodes"]),
    (&["nodes", "connections"], "a graph", &["nodes"]),
    (&["files", "patterns", "tasks"], "an index of files", &[]),
];

/// Keys beside its places that a service of a registry has and one of a Compose file has not.
const REGISTERED: &[&str] = &["status", "criticality"];

/// Keys that nodes of a registry have and those of a graph have not.
const ACTING: &[&str] = &[
    "role",
    "endpoint",
    "triggers",
    "trigger_on",
    "tool",
    "primary_tool",
    "serviceGroup",
    "criticality",
    "capabilities",
];

/// The services of a Compose file, if this is one.
pub(in crate::registry) fn compose(top: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let image = |service: &Value| service.get("image").or(service.get("build")).is_some();
    let services = top.get("services")?.as_object()?;
    let is_compose = !services.is_empty()
        && services.values().all(image)
        && !services
            .values()
            .any(|service| has_any(service, PLACES) || has_any(service, REGISTERED));
    is_compose.then_some(services)
}

/// What a document is, if it is known to be something else than a registry and nothing in it says that it is one: neither
/// its version nor one of the `sections` that have entries.
pub(in crate::registry::import) fn foreign(
    top: &Map<String, Value>,
    sections: &[&str],
) -> Option<&'static str> {
    let told_besides = |own: &[&str]| {
        top.contains_key("registryVersion") || sections.iter().any(|name| !own.contains(name))
    };
    if compose(top).is_some() && !told_besides(&["services"]) {
        return Some("a Compose file: what is deployed, not what is registered");
    }
    OTHERS
        .iter()
        .filter(|(keys, ..)| keys.iter().all(|key| top.contains_key(*key)))
        .find(|(.., own)| !(told_besides(own) || own.contains(&"nodes") && has_acting(top)))
        .map(|(_, name, _)| *name)
}

/// Whether one of the nodes does something.
fn has_acting(top: &Map<String, Value>) -> bool {
    let acts = |node: &Value| has_any(node, ACTING);
    match top.get("nodes") {
        Some(Value::Array(nodes)) => nodes.iter().any(acts),
        Some(Value::Object(nodes)) => nodes.values().any(acts),
        _ => false,
    }
}

fn has_any(value: &Value, keys: &[&str]) -> bool {
    keys.iter().any(|key| value.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn other_formats_are_recognized() {
        let role = json!({"a": {"role": "r"}});
        let api = json!([{"id": "api"}]);
        for (document, sections, found) in [
            (
                json!({"services": {"web": {"image": "nginx"}, "db": {"build": "."}}}),
                &["services"][..],
                true,
            ),
            (
                json!({"services": {"web": {"image": "nginx", "port": 80, "healthPath": "/h", "role": "x"}}}),
                &["services"],
                false,
            ),
            (
                json!({"openapi": "3.1.0", "components": {"schemas": {"x": {"type": "object"}}}}),
                &["components"],
                true,
            ),
            (
                json!({"nodes": [{"id": "a"}], "edges": []}),
                &["nodes"],
                true,
            ),
            (json!({"nodes": role, "links": []}), &["nodes"], false),
            (
                json!({"pipeline": {"stages": []}, "services": []}),
                &[],
                true,
            ),
            (
                json!({"pipeline": {}, "services": api}),
                &["services"],
                false,
            ),
            (
                json!({"mcpServers": {}, "registryVersion": "3"}),
                &[],
                false,
            ),
            (
                json!({"name": "n", "version": "1", "scripts": {}, "services": api}),
                &["services"],
                false,
            ),
            (
                json!({"name": "heady", "version": "1.0.0", "services": []}),
                &[],
                false,
            ),
            (
                json!({"services": {"web": {"port": 1}}}),
                &["services"],
                false,
            ),
        ] {
            let told = foreign(document.as_object().unwrap(), sections);
            assert_eq!(told.is_some(), found, "{document}");
        }
    }
}
