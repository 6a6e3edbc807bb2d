//! What in a registry refers to something that is not there: dependencies, and files.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::catalog::Catalog;
use super::secrets::Place;
use crate::error::{Error, Result};
use crate::types::Warning;

/// Warns of dependencies on what this document does not have. Users write them as a list, or as lists by direction.
pub(super) fn references(catalog: &Catalog) -> Vec<Warning> {
    // An entry of a map goes by its key, and by the id that it gives itself.
    let known: HashSet<&str> = catalog
        .items
        .iter()
        .flat_map(|item| [Some(item.id.as_str()), item.text("id")])
        .flatten()
        .collect();
    let spelled: HashMap<String, &str> = known.iter().map(|id| (id.to_lowercase(), *id)).collect();
    let mut warnings = Vec::new();
    for item in &catalog.items {
        for pointer in [
            "/dependencies",
            "/dependencies/upstream",
            "/dependencies/downstream",
            "/fallbackPolicy/fallbackNodes",
        ] {
            let named = item.body.pointer(pointer).and_then(Value::as_array);
            for id in named.into_iter().flatten().filter_map(Value::as_str) {
                if known.contains(id) {
                    continue;
                }
                let message = match spelled.get(&id.to_lowercase()) {
                    Some(present) => {
                        format!("nothing here is called '{id}'; did you mean '{present}'?")
                    }
                    None => format!("nothing here is called '{id}'"),
                };
                let path = format!("{}{}", item.path(), pointer.replace('/', "."));
                warnings.push(Warning::new("DANGLING_DEPENDENCY", path, message));
            }
        }
    }
    warnings
}

/// Warns of numbers that are kept as the nearest one of 64-bit floating point, because they are too large for 64 bits.
pub(super) fn numbers(document: &Value) -> Vec<Warning> {
    fn look(value: &Value, place: &mut Place, warnings: &mut Vec<Warning>) {
        match value {
            Value::Number(number) => {
                let value = number.as_f64().filter(|_| number.is_f64());
                if value.is_some_and(|value| value.abs() >= 18_446_744_073_709_551_616.0) {
                    let message = format!(
                        "has more than 64 bits and is kept as {number}, with 17 digits; write an identifier as a text"
                    );
                    warnings.push(Warning::new("NUMBER_ROUNDED", place.shown(), message));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let left = place.enter_item(index);
                    look(item, place, warnings);
                    place.leave(left);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    let left = place.enter_key(key);
                    look(value, place, warnings);
                    place.leave(left);
                }
            }
            _ => {}
        }
    }
    let mut warnings = Vec::new();
    look(document, &mut Place::default(), &mut warnings);
    warnings
}

/// The keys under which users' files name files.
const FILE_KEYS: [&str; 5] = ["sourceOfTruth", "file_path", "filePath", "file", "path"];

/// Warns of files that do not exist below `root`. URLs and words are not taken for files.
pub(super) async fn files(catalog: &Catalog, root: PathBuf) -> Result<Vec<Warning>> {
    let mut named = Vec::new();
    for item in &catalog.items {
        for (key, value) in FILE_KEYS.map(|key| (key, item.body.get(key))) {
            let several = value.and_then(Value::as_array).into_iter().flatten();
            for value in value.into_iter().chain(several) {
                let path = || format!("{}.{key}", item.path());
                let mut name = |path: String, key: &str, text: &str| {
                    named.extend(file(key, text).map(|file| (path, text.to_owned(), file)));
                };
                if let Some(text) = value.as_str() {
                    name(path(), key, text);
                }
                for part in FILE_KEYS {
                    if let Some(text) = value.get(part).and_then(Value::as_str) {
                        name(format!("{}.{part}", path()), part, text);
                    }
                }
            }
        }
    }
    // Hundreds of looks at a disk, off the threads that serve others.
    tokio::task::spawn_blocking(move || {
        let missing = named.into_iter().filter_map(|(path, text, file)| {
            let message = match within(&file) {
                false => format!("'{text}' points out of the folder that paths begin in"),
                true if root.join(&file).exists() => return None,
                true => format!("'{text}' does not exist"),
            };
            Some(Warning::new("MISSING_FILE", path, message))
        });
        missing.collect()
    })
    .await
    .map_err(|error| Error::internal("looking for files ended in a panic").caused_by(error))
}

/// The path of a file that a text names, unless it is something else.
fn file(key: &str, text: &str) -> Option<PathBuf> {
    let name = text
        .split('#')
        .next()
        .unwrap_or_default()
        .replace('\\', "/");
    let extension = Path::new(&name)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            extension.len() <= 5 && extension.starts_with(|char: char| char.is_ascii_alphabetic())
        });
    let drive = name.get(1..3) == Some(":/");
    let other = name.is_empty()
        || name.contains("://")
        || name.contains(['$', '*', '{', '<', '@'])
        || name.contains(char::is_whitespace) && !(extension && is_spaced_path(&name))
        || (name.contains(':') && !drive)
        // A route, not a file.
        || (key == "path" && name.starts_with('/'));
    (!other && (name.contains('/') || extension)).then(|| PathBuf::from(name))
}

/// Whether a name with spaces in it is one path, and not a list of them or a sentence.
fn is_spaced_path(name: &str) -> bool {
    name.contains('/')
        && !name.contains([',', ';', '\n', '\t'])
        && !name.contains(" /")
        && !name.contains("/ ")
}

/// Whether a path stays in the folder that it begins in; an absolute one is taken at its word.
fn within(file: &Path) -> bool {
    let mut depth = 0;
    file.components().all(|component| {
        match component {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        depth >= 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_urls_and_routes_are_no_files() {
        for (key, text, is_file) in [
            ("sourceOfTruth", "src/hc/brain.js", true),
            ("sourceOfTruth", "heady-manager.js", true),
            ("sourceOfTruth", ".github/workflows/ci.yml#job", true),
            ("file_path", "C:\\Users\\heady\\tool.js", true),
            ("file_path", "scripts\\tool.js", true),
            ("sourceOfTruth", "https://github.com/a/b.js", false),
            ("sourceOfTruth", "notion", false),
            ("sourceOfTruth", "the wiki/page", false),
            ("sourceOfTruth", "docs/My Guide.md", true),
            ("sourceOfTruth", "Notion / Heady.js", false),
            ("sourceOfTruth", "src/a.js, src/b.js", false),
            ("sourceOfTruth", "built with Node.js", false),
            ("sourceOfTruth", "git@github.com:a/b.git", false),
            ("sourceOfTruth", "v1.2", false),
            ("sourceOfTruth", "${ROOT}/a.js", false),
            ("path", "/api/health", false),
            ("path", "docs/guide.md", true),
        ] {
            assert_eq!(file(key, text).is_some(), is_file, "{text}");
        }
    }

    #[tokio::test]
    async fn files_that_are_not_there_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/here.js"), "").unwrap();
        let document = json!({"components": [
            {"id": "a", "sourceOfTruth": "src/here.js#part"},
            {"id": "b", "sourceOfTruth": ["src/gone.js", "src\\here.js"]},
            {"id": "c", "sourceOfTruth": "../outside.js"},
            {"id": "d", "sourceOfTruth": "https://example.com/x.js", "file": "a word"},
            {"id": "e", "sourceOfTruth": {"path": "no/such.js", "file": "src/here.js"}},
            {"id": "f", "sourceOfTruth": ["x y/z.js", {"filePath": "no such/file.js"}]},
        ]});
        let catalog = super::super::catalog::read(&document).unwrap();
        let warnings = files(&catalog, folder.path().to_owned()).await.unwrap();
        let told: Vec<_> = warnings
            .iter()
            .map(|warning| (warning.path.as_str(), warning.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("components.b.sourceOfTruth", "'src/gone.js' does not exist"),
                (
                    "components.c.sourceOfTruth",
                    "'../outside.js' points out of the folder that paths begin in"
                ),
                (
                    "components.e.sourceOfTruth.path",
                    "'no/such.js' does not exist"
                ),
                ("components.f.sourceOfTruth", "'x y/z.js' does not exist"),
                (
                    "components.f.sourceOfTruth.filePath",
                    "'no such/file.js' does not exist"
                ),
            ]
        );
    }

    #[test]
    fn an_entry_is_known_by_its_own_id_too() {
        let document = json!({
            "nodes": {"HeadySoul": {"id": "soul"}, "HeadyBrain": {"id": "brain"}},
            "aiNodes": [{"id": "n", "fallbackPolicy": {"fallbackNodes": ["soul", "Brain", "HeadySoul"]}}],
        });
        let warnings = references(&super::super::catalog::read(&document).unwrap());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(
            warnings[0].message,
            "nothing here is called 'Brain'; did you mean 'brain'?"
        );
    }

    #[test]
    fn both_shapes_of_dependencies_are_followed() {
        let document = json!({
            "components": [
                {"id": "a", "dependencies": {"upstream": ["b"], "downstream": ["nowhere"]}},
                {"id": "b", "dependencies": ["A", "gone"]},
                {"id": "c", "dependencies": {"express": "^4"}},
            ],
            "aiNodes": [{"id": "n", "fallbackPolicy": {"fallbackNodes": ["a", "m"]}}],
        });
        let warnings = references(&super::super::catalog::read(&document).unwrap());
        let told: Vec<_> = warnings
            .iter()
            .map(|warning| (warning.path.as_str(), warning.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "aiNodes.n.fallbackPolicy.fallbackNodes",
                    "nothing here is called 'm'"
                ),
                (
                    "components.a.dependencies.downstream",
                    "nothing here is called 'nowhere'"
                ),
                (
                    "components.b.dependencies",
                    "nothing here is called 'A'; did you mean 'a'?"
                ),
                ("components.b.dependencies", "nothing here is called 'gone'"),
            ]
        );
    }
}
