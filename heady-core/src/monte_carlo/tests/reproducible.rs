//! A seed determines the bits.

use std::path::Path;

use serde_json::json;

use super::super::*;
use super::{everything, outcome};

#[test]
fn the_bits_are_the_same_on_any_number_of_threads() {
    let one = outcome(&everything(), 42, 20_000, 1);
    for threads in [2, 3, 7] {
        let other = outcome(&everything(), 42, 20_000, threads);
        assert_eq!(
            (&other.digest, &other.duration, &other.tasks),
            (&one.digest, &one.duration, &one.tasks)
        );
    }
    assert_ne!(outcome(&everything(), 43, 20_000, 1).digest, one.digest);
    assert_ne!(outcome(&everything(), 42, 20_001, 1).digest, one.digest);
}

#[test]
fn the_golden_vectors_hold() {
    let file = include_str!("../../../../tests/conformance/vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let simulations = vectors["simulations"].as_array().unwrap();
    assert!(!simulations.is_empty());
    for vector in simulations {
        let found = outcome(
            &vector["plan"],
            vector["seed"].as_i64().unwrap(),
            vector["samples"].as_u64().unwrap(),
            2,
        );
        assert_eq!(
            found.digest, vector["expect"]["digest"],
            "{}",
            vector["plan"]["name"]
        );
        assert_eq!(found.plan_hash, vector["expect"]["planHash"]);
        assert_eq!(
            json!(found.duration.mean.estimate),
            vector["expect"]["durationMean"]
        );
        assert_eq!(json!(found.success.estimate), vector["expect"]["success"]);
    }
}

#[test]
fn a_new_task_leaves_the_draws_of_others_alone() {
    let base = outcome(&everything(), 1, 4096, 1);
    let mut more = everything();
    let extra = json!({"id": "extra", "duration": {"uniform": {"min": 0, "max": 1}}, "failure": {"probability": 0.5}});
    more["tasks"].as_array_mut().unwrap().insert(0, extra);
    let found = outcome(&more, 1, 4096, 1);
    assert_eq!(found.tasks[1..], base.tasks[..]);
}

#[test]
fn the_room_uses_no_function_whose_bits_a_platform_chooses() {
    let room = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/monte_carlo"));
    let folders = [room.to_owned(), room.join("distribution")];
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for path in entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
    {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for forbidden in [
            ".ln()", ".log10()", ".log2()", ".exp()", ".powf(", ".powi(", ".sin()", ".cos()",
            ".tan()", "mul_add", "HashSet<", "f32",
        ] {
            assert!(
                !code.contains(forbidden),
                "{forbidden} in {}",
                path.display()
            );
        }
    }
}
