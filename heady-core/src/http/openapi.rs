//! The OpenAPI 3.1 document, made of the same tables as the routes.

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::route::Route;

pub(super) fn document(routes: impl Iterator<Item = Route>) -> Value {
    let mut schemas = generator();
    let problem = json!({
        "content": {"application/problem+json": {"schema": schemas.subschema_for::<Problem>()}},
    });
    let refused = with(
        &problem,
        "description",
        json!("Refused: the `code` says why"),
    );
    let failed = with(
        &problem,
        "description",
        json!("The engine or something it needs failed"),
    );
    let mut paths = Map::new();
    for route in routes {
        let mut responses = Map::new();
        for (status, description) in route.output.statuses {
            let mut response = json!({"description": description});
            if *status != 204 {
                let schema = (route.output.schema)(&mut schemas);
                response["content"] = json!({route.output.kind: {"schema": schema}});
            }
            if route.output.tagged {
                response["headers"] = json!({"ETag": {"schema": {"type": "string"}}});
            }
            responses.insert(status.to_string(), response);
        }
        if route.output.tagged && !route.has_body() {
            let known = json!({"description": "It is as `If-None-Match` names it"});
            responses.insert("304".to_owned(), known);
        }
        responses.insert("4XX".to_owned(), refused.clone());
        responses.insert("5XX".to_owned(), failed.clone());
        let mut operation = Map::from_iter([
            ("operationId".to_owned(), json!(route.name)),
            ("tags".to_owned(), json!([tag(route.path)])),
            ("description".to_owned(), json!(route.description)),
            ("responses".to_owned(), responses.into()),
        ]);
        describe_input(&route, &mut operation);
        if let Some(role) = route.role {
            operation.insert("x-heady-role".to_owned(), json!(role.as_str()));
            operation.insert(
                "security".to_owned(),
                json!([{"bearer": []}, {"apiKey": []}]),
            );
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation.into();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Heady",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The Heady engine over HTTP: what is here is what every other door has too.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Heady-Api-Key"},
            },
        },
    })
}

/// What is sent is described as it is written: every field is there.
fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.contract = Contract::Serialize;
    });
    settings.into_generator()
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[key] = value;
    object
}

/// `/api/monte-carlo/run` belongs to `monte-carlo`.
fn tag(path: &str) -> &str {
    let path = path.trim_start_matches("/api").trim_start_matches('/');
    path.split('/').next().unwrap_or_default()
}

/// Fields that the path names are parameters of the path; the others are those of the query, or the body.
fn describe_input(route: &Route, operation: &mut Map<String, Value>) {
    let mut schema = route.input.clone().to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let in_path = |name: &str| route.path.contains(&format!("{{{name}}}"));
    let mut parameters = Vec::new();
    for (name, field) in &fields {
        let place = match in_path(name) {
            true => "path",
            false if route.has_body() && !(route.is_patch() && name != "patch") => continue,
            false => "query",
        };
        let needed = place == "path" || required.contains(&json!(name));
        let mut field = field.clone();
        let description = field
            .as_object_mut()
            .and_then(|field| field.remove("description"));
        parameters.push(json!({
            "name": name, "in": place, "required": needed, "schema": field, "description": description,
        }));
    }
    for (name, description) in headers(route) {
        parameters.push(json!({
            "name": name, "in": "header", "required": false, "schema": {"type": "string"}, "description": description,
        }));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if !route.has_body() {
        return;
    }
    let needed: Vec<_> = required
        .into_iter()
        .filter(|name| !in_path(name.as_str().unwrap_or_default()))
        .collect();
    let is_needed = !needed.is_empty();
    let is_body_needed = is_needed || route.needs_body();
    if route.is_patch() {
        schema = json!({"type": "object", "description": fields["patch"]["description"]});
    } else if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            fields.retain(|name, _| !in_path(name));
        }
        schema.remove("required");
        if is_needed {
            schema.insert("required".to_owned(), needed.into());
        }
    }
    let mut body = json!({"required": is_body_needed, "content": {}});
    body["content"][route.body_kind()] = json!({"schema": schema});
    operation.insert("requestBody".to_owned(), body);
}

/// The headers that a route understands.
fn headers(route: &Route) -> Vec<(&'static str, &'static str)> {
    let mut headers = Vec::new();
    if route.takes("ifPresent") {
        headers.push((
            "If-Match",
            "Only if this is still so: the `ETag` of an earlier answer, or its `resourceVersion`; or `*`, only if \
             anything is there; else 412",
        ));
    } else if route.takes("ifVersion") {
        headers.push((
            "If-Match",
            "Only if this is still so: the `ETag` of an earlier answer, or its `resourceVersion`; else 412",
        ));
    }
    if route.takes("ifAbsent") {
        headers.push(("If-None-Match", "`*`: only if nothing is there; else 412"));
    }
    if route.output.tagged && !route.has_body() {
        headers.push((
            "If-None-Match",
            "The `ETag` of what is known: 304 if it is so still",
        ));
    }
    if route.output.kind == "text/event-stream" {
        headers.push(("Last-Event-ID", "Go on after this event"));
    }
    headers
}
