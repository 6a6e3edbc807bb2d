//! The registry as text: what there is, one entry, and one change a line.

use std::fmt::Write;

use super::table;
use crate::Json;
use crate::registry::{
    self, Node, NodeList, RegistryEvent, Service, ServiceList, Workflow, WorkflowList,
};
use crate::types::{Id, Timestamp};

/// Services, one a line.
pub fn services(list: &ServiceList) -> String {
    let rows = list.services.iter().map(|service| {
        [
            service.id.to_string(),
            line(&service.name),
            service.status.to_string(),
            service.last_healthy_at.map(time).unwrap_or_default(),
            address(service),
            service.resource_version.to_string(),
        ]
    });
    let columns = [
        "Service",
        "Name",
        "Status",
        "Last healthy",
        "Address",
        ">Version",
    ];
    drawn(&columns, rows, "No services", list.revision)
}

/// Nodes, one a line.
pub fn nodes(list: &NodeList) -> String {
    let rows = list.nodes.iter().map(|node| {
        [
            node.id.to_string(),
            line(&node.name),
            line(&node.runtime),
            enabled(node).to_owned(),
            line(&node.triggers.join(", ")),
            node.resource_version.to_string(),
        ]
    });
    let columns = [
        "Node",
        "Name",
        "Runtime",
        "Takes work",
        "Triggers",
        ">Version",
    ];
    drawn(&columns, rows, "No nodes", list.revision)
}

/// Workflows, one a line.
pub fn workflows(list: &WorkflowList) -> String {
    let rows = list.workflows.iter().map(|workflow| {
        [
            workflow.id.to_string(),
            line(&workflow.name),
            line(&workflow.pipeline_id),
            workflow.max_concurrent_tasks.to_string(),
            workflow.resource_version.to_string(),
        ]
    });
    let columns = ["Workflow", "Name", "Pipeline", ">Tasks at once", ">Version"];
    drawn(&columns, rows, "No workflows", list.revision)
}

/// What there is in a registry document besides services, nodes and workflows; empty if there is nothing.
pub fn other_sections(document: &Json) -> String {
    let sections = registry::other_sections(&document.0);
    let counts: Vec<String> = sections
        .iter()
        .map(|(section, entries)| format!("{entries} in {}", line(section)))
        .collect();
    if counts.is_empty() {
        return String::new();
    }
    format!(
        "Entries of other sections, which `heady export` prints: {}\n",
        counts.join(", ")
    )
}

fn drawn<const N: usize>(
    columns: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
    nothing: &str,
    revision: i64,
) -> String {
    let mut table = table::new(columns);
    table.add_rows(rows);
    let text = if table.is_empty() {
        format!("  {nothing}\n")
    } else {
        table::text(&table)
    };
    format!("{text}\n  at revision {revision}\n")
}

/// A service, with everything that is known about it.
pub fn service(service: &Service) -> String {
    let mut text = format!("Service {}\n", service.id);
    field(&mut text, "name", &service.name);
    field(&mut text, "address", &address(service));
    let mut status = service.status.to_string();
    if let Some(since) = service.status_changed_at {
        let _ = write!(status, " since {}", time(since));
    }
    if let Some(reason) = &service.status_reason {
        let _ = write!(status, ": {reason}");
    }
    field(&mut text, "status", &status);
    let last = service.last_healthy_at.map_or("never".to_owned(), time);
    field(&mut text, "last healthy", &last);
    if let Some(interval) = service.probe_interval_ms {
        field(&mut text, "probed every", &super::duration(interval as f64));
    }
    if let Some(until) = service.report_expires_at {
        field(&mut text, "report holds until", &time(until));
    }
    let at = (service.created_at, service.updated_at);
    text + &rest(at, service.resource_version, &service.metadata)
}

/// A node, with everything that is known about it.
pub fn node(node: &Node) -> String {
    let mut text = format!("Node {}\n", node.id);
    field(&mut text, "name", &node.name);
    field(&mut text, "runtime", &node.runtime);
    field(&mut text, "triggers", &node.triggers.join(", "));
    field(&mut text, "takes work", enabled(node));
    let at = (node.created_at, node.updated_at);
    text + &rest(at, node.resource_version, &node.metadata)
}

/// A workflow, with everything that is known about it.
pub fn workflow(workflow: &Workflow) -> String {
    let mut text = format!("Workflow {}\n", workflow.id);
    field(&mut text, "name", &workflow.name);
    field(&mut text, "pipeline", &workflow.pipeline_id);
    let most = workflow.max_concurrent_tasks.to_string();
    field(&mut text, "tasks at once", &most);
    attached(&mut text, "governance", &workflow.governance);
    let at = (workflow.created_at, workflow.updated_at);
    text + &rest(at, workflow.resource_version, &workflow.metadata)
}

/// A change, in one line.
pub fn change(event: &RegistryEvent) -> String {
    let mut line = format!(
        "{}  {:>7}  {:<8}",
        time(event.at),
        event.revision,
        event.change.as_str()
    );
    if let (Some(kind), Some(id)) = (event.kind, &event.id) {
        let _ = write!(line, "  {:<8}  {id}", kind.as_str());
    }
    let of = |key: &str| event.object.as_ref()?.get(key)?.as_str();
    if let Some(name) = of("name").filter(|name| Some(*name) != event.id.as_ref().map(Id::as_str)) {
        let _ = write!(line, "  {}", self::line(name));
    }
    if let Some(status) = of("status") {
        let _ = write!(line, "  {status}");
    }
    line
}

fn field(text: &mut String, name: &str, value: &str) {
    write_field(text, name, &line(value));
}

fn write_field(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<18}  {value}");
}

/// A text on one line: what files say may have several, or move a terminal's cursor.
fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

fn attached(text: &mut String, name: &str, value: &Json) {
    if value.as_object().is_some_and(|object| !object.is_empty()) {
        let shown = format!("{:#}", value.0);
        write_field(text, name, &shown.replace('\n', &format!("\n{:22}", "")));
    }
}

fn rest((created, updated): (Timestamp, Timestamp), version: i64, metadata: &Json) -> String {
    let mut text = String::new();
    field(&mut text, "created", &time(created));
    field(&mut text, "changed", &time(updated));
    field(&mut text, "version", &version.to_string());
    attached(&mut text, "metadata", metadata);
    text
}

fn address(service: &Service) -> String {
    match service.base_url.as_str() {
        "" => "unknown".to_owned(),
        base => format!("{base}{}", service.health_path),
    }
}

fn enabled(node: &Node) -> &'static str {
    if node.enabled { "yes" } else { "no" }
}

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_file_names_something_it_is_one_line() {
        let node = serde_json::json!({
            "id": "n", "name": "two\nlines", "runtime": "a\u{1b}[2J", "triggers": ["x\ty"], "enabled": true,
            "metadata": {}, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "resourceVersion": 1,
        });
        let node: Node = serde_json::from_value(node).unwrap();
        let event = RegistryEvent {
            revision: 1,
            change: crate::registry::RegistryChange::Create,
            kind: Some(crate::registry::EntryKind::Node),
            id: Some("n".into()),
            object: Some(serde_json::to_value(&node).unwrap().into()),
            at: node.created_at,
        };
        let shown = change(&event);
        assert!(shown.ends_with("two\\nlines"), "{shown}");
        let shown = super::node(&node);
        assert!(shown.contains("two\\nlines") && shown.contains("a\\u{1b}[2J"));
        let nodes = vec![node];
        let list = NodeList { nodes, revision: 1 };
        let shown = super::nodes(&list);
        assert!(
            shown.contains("two\\nlines") && shown.contains("x\\ty"),
            "{shown}"
        );
    }
}
