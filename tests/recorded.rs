//! One recorded set of requests, which the server, the service in process, Node.js and Python answer with the same bytes.
//!
//! `HEADY_RECORD=1 cargo test --test whole recorded` writes down what the server answers now.

use heady_core::Heady;
use heady_core::http::{Caller, Config, Role, answer, router};
use http_body_util::BodyExt;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::conformance::file;
use crate::http::Server;
use crate::sandbox::Sandbox;

/// The recorded requests, and by which rules answers are compared.
struct Recorded {
    file: Value,
    masks: Vec<(Regex, String)>,
}

/// A request as it is sent.
struct Sent<'a> {
    method: &'a str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What later requests take from earlier answers: the headers, and the places in bodies, that their `keep` names.
#[derive(Default)]
struct Kept(Vec<(String, String)>);

impl Kept {
    /// The text with what was kept in the places that name it.
    fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(String, String)| {
            text.replace(&format!("${{{name}}}"), value)
        };
        self.0.iter().fold(text.to_owned(), fill)
    }

    fn keep(&mut self, request: &Value, header: impl Fn(&str) -> Option<String>, body: &str) {
        for (name, place) in request["keep"].as_object().into_iter().flatten() {
            let place = place.as_str().unwrap();
            let value = if place.starts_with('/') {
                let body: Value = serde_json::from_str(body).unwrap();
                body.pointer(place).unwrap().as_str().unwrap().to_owned()
            } else {
                header(place).unwrap()
            };
            self.0.push((name.clone(), value));
        }
    }
}

impl Recorded {
    fn read() -> Self {
        let file = file("requests");
        let masks = file["masks"].as_array().unwrap().iter().map(|mask| {
            let (pattern, replacement) = (mask[0].as_str().unwrap(), mask[1].as_str().unwrap());
            (Regex::new(pattern).unwrap(), replacement.to_owned())
        });
        let masks = masks.collect();
        Self { file, masks }
    }

    fn requests(&self) -> &Vec<Value> {
        self.file["requests"].as_array().unwrap()
    }

    /// A request, with the content type of JSON where it has a body and names none.
    fn request(&self, number: usize, kept: &Kept) -> Sent<'_> {
        let request = &self.requests()[number];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let times = request["repeat"].as_u64().unwrap_or(1);
        let mut headers = request["headers"].as_object().cloned().unwrap_or_default();
        headers.insert(
            "x-request-id".to_owned(),
            json!(format!("request-{number}")),
        );
        if request.get("body").is_some() {
            headers
                .entry("content-type")
                .or_insert(json!("application/json"));
        }
        let headers = headers.into_iter();
        Sent {
            method: request["method"].as_str().unwrap(),
            path: kept.fill(&text(&request["path"])),
            headers: headers
                .map(|(name, value)| (name, kept.fill(&text(&value))))
                .collect(),
            body: text(&request["body"]).repeat(usize::try_from(times).unwrap()),
        }
    }

    /// An answer without what is another one each time.
    fn answer(&self, status: u16, header: impl Fn(&str) -> Option<String>, body: &str) -> Value {
        let masked = |text: &str| {
            let mask = |text: String, (pattern, replacement): &(Regex, String)| {
                pattern
                    .replace_all(&text, replacement.as_str())
                    .into_owned()
            };
            self.masks.iter().fold(text.to_owned(), mask)
        };
        let names = self.file["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap());
        let headers: Map<String, Value> = names
            .filter_map(|name| Some((name.to_owned(), masked(&header(name)?).into())))
            .collect();
        json!({"status": status, "headers": headers, "body": masked(body)})
    }

    fn compare(&self, answers: &[Value]) {
        for (request, answer) in self.requests().iter().zip(answers) {
            assert_eq!(
                *answer, request["answer"],
                "{} {}",
                request["method"], request["path"]
            );
        }
        assert_eq!(answers.len(), self.requests().len());
    }

    /// Writes a request to a line, so that a change of an answer shows as one.
    fn record(&self, answers: &[Value]) {
        let list = |values: &Value| {
            let lines = values
                .as_array()
                .unwrap()
                .iter()
                .map(|value| format!("    {value}"));
            lines.collect::<Vec<_>>().join(",\n")
        };
        let requests = self
            .requests()
            .iter()
            .zip(answers)
            .map(|(request, answer)| {
                let mut request = request.clone();
                request["answer"] = answer.clone();
                request
            });
        let text = format!(
            "{{\n  \"headers\": {},\n  \"masks\": [\n{}\n  ],\n  \"requests\": [\n{}\n  ]\n}}\n",
            self.file["headers"],
            list(&self.file["masks"]),
            list(&requests.collect()),
        );
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/conformance/requests.json"
        );
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn the_server_answers_as_recorded() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0", "--no-probes"]);
    let recorded = Recorded::read();
    let mut kept = Kept::default();
    let answers = recorded.requests().iter().enumerate().map(|(number, request)| {
        let Sent { method, path, headers, body } = recorded.request(number, &kept);
        let line = |head: String, (name, value): &(String, String)| format!("{head}{name}: {value}\r\n");
        let headers = headers.iter().fold(String::new(), line);
        let length = body.len();
        // A body that is too large is refused before it is sent; the answer could be lost if it were.
        let body = if request.get("repeat").is_some() { "" } else { &body };
        let sent = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        let answer = server.raw(sent.as_bytes());
        kept.keep(request, |name| answer.header(name), &answer.body);
        recorded.answer(answer.status, |name| answer.header(name), &answer.body)
    });
    let answers: Vec<_> = answers.collect();
    if std::env::var_os("HEADY_RECORD").is_some() {
        recorded.record(&answers);
    } else {
        recorded.compare(&answers);
    }
}

#[tokio::test]
async fn the_service_in_process_answers_as_recorded() {
    let heady = Heady::connect("sqlite::memory:").await.unwrap();
    let router = router(&heady, Config::default());
    let recorded = Recorded::read();
    let (mut answers, mut kept) = (Vec::new(), Kept::default());
    for (number, request) in recorded.requests().iter().enumerate() {
        let Sent {
            method,
            path,
            headers,
            body,
        } = recorded.request(number, &kept);
        let mut sent = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .extension(Caller::new("http:local", Role::Admin));
        for (name, value) in headers {
            sent = sent.header(name, value);
        }
        let response = answer(&router, sent.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name: &str| Some(parts.headers.get(name)?.to_str().unwrap().to_owned());
        let body = std::str::from_utf8(&body).unwrap();
        kept.keep(request, header, body);
        answers.push(recorded.answer(parts.status.as_u16(), header, body));
    }
    recorded.compare(&answers);
}
