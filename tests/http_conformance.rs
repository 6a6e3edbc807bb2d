//! The files that every language runs, over HTTP: every method has a route unless `http.json` says why not, bad input
//! has its code, and a seed determines the bits.

use serde_json::{Map, Value, json};

use crate::conformance::file;
use crate::http::{Answer, Server};
use crate::sandbox::Sandbox;

/// The method and the path of the operation of this name, as the document has them.
fn operation<'d>(document: &'d Value, name: &str) -> Option<(&'d str, &'d str)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().find_map(|(path, operations)| {
        let operations = operations.as_object().unwrap();
        let found = operations
            .iter()
            .find(|(_, operation)| operation["operationId"] == name);
        found.map(|(method, _)| (method.as_str(), path.as_str()))
    })
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Calls a function of the engine by its name.
fn call(server: &Server, document: &Value, entry: &Value) -> Answer {
    let name = entry["call"].as_str().unwrap();
    // What an update changes is the patch.
    let route = name.replace("registry.update", "registry.patch");
    let (method, path) = operation(document, &route).unwrap_or_else(|| panic!("{name}: no route"));
    let mut options = entry["options"].as_object().cloned().unwrap_or_default();
    options.extend(entry.get("id").map(|id| ("id".to_owned(), id.clone())));
    let mut path = path.to_owned();
    if path.contains("{id}") {
        let id = options.remove("id").unwrap();
        path = path.replace("{id}", &percent_encoded(&text(&id)));
    }
    let mut headers = String::new();
    if method == "patch" {
        if let Some(version) = options.remove("ifVersion") {
            headers = format!("if-match: \"{version}\"\r\n");
        }
        if let Some(Value::Object(patch)) = options.remove("patch") {
            options = patch;
        }
    }
    let method = method.to_uppercase();
    if matches!(method.as_str(), "GET" | "DELETE") {
        let query = options
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(&text(value))));
        let query = query.collect::<Vec<_>>().join("&");
        return server.send(&method, &format!("{path}?{query}"), &headers, "");
    }
    server.send(
        &method,
        &path,
        &headers,
        &Value::Object(options).to_string(),
    )
}

fn stated(what: &str) -> Map<String, Value> {
    let stated = file("http")[what].as_object().unwrap().clone();
    assert!(stated.values().all(Value::is_string), "each has a reason");
    stated
}

#[test]
fn every_method_has_a_route_or_a_reason() {
    let document = heady_core::http::openapi().into_inner();
    let mut without = stated("withoutRoute");
    for (domain, methods) in file("api").as_object().unwrap() {
        for method in methods.as_array().unwrap() {
            let name = format!("{domain}.{}", method.as_str().unwrap());
            let stated = without.remove(&name).is_some();
            assert_ne!(operation(&document, &name).is_some(), stated, "{name}");
        }
    }
    assert!(without.is_empty(), "no methods: {without:?}");
}

#[test]
fn bad_input_has_the_same_code_over_http() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let document = server.get("/openapi.json").json();
    let unknown = stated("withoutOption");
    let errors = file("errors");
    for entry in errors["before"].as_array().unwrap() {
        let done = call(&server, &document, entry).status;
        assert!(matches!(done, 200 | 201), "{done} {entry}");
    }
    for entry in errors["errors"].as_array().unwrap() {
        let answer = call(&server, &document, entry);
        let options = entry["options"].as_object().cloned().unwrap_or_default();
        // What HTTP does not take is no option there.
        let taken = options.keys().all(|name| !unknown.contains_key(name));
        let code = if taken {
            &entry["code"]
        } else {
            &json!("INVALID_ARGUMENT")
        };
        let body = answer.json();
        assert_eq!(
            (&body["code"], &body["ok"]),
            (code, &json!(false)),
            "{entry}: {answer:?}"
        );
        assert!(
            answer
                .head
                .contains("content-type: application/problem+json")
        );
        assert!(!answer.body.contains("secret"), "{entry}: {answer:?}");
    }
}

#[test]
fn a_seed_determines_the_bits_over_http() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    for vector in file("vectors")["simulations"].as_array().unwrap() {
        let options =
            json!({"plan": vector["plan"], "seed": vector["seed"], "samples": vector["samples"]});
        let sent = server.send("POST", "/api/monte-carlo/run", "", &options.to_string());
        let (found, expect) = (sent.json(), &vector["expect"]);
        assert_eq!(found["digest"], expect["digest"], "{found}");
        assert_eq!(found["planHash"], expect["planHash"]);
        assert_eq!(
            found["duration"]["mean"]["estimate"],
            expect["durationMean"]
        );
        assert_eq!(found["success"]["estimate"], expect["success"]);
    }
}
