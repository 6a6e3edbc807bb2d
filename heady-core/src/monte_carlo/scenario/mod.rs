//! The callers' simple form: a base rate, risks that lower it, mitigations that raise it. Each risk has a stream of its
//! own, so risks are independent whatever their names.

mod model;

use serde_json::Value;

pub use self::model::{
    ScenarioOptions, ScenarioOutcomes, ScenarioPage, ScenarioResult, ScenarioRisk,
};
use super::estimate;
use super::stream::{Stream, Uniform};
use crate::document::{Field, Fields};
use crate::error::{Error, Result};
use crate::types::{Id, checked_seed, now, random_seed};

const DEFAULT_ITERATIONS: i64 = 10_000;
const MAX_ITERATIONS: i64 = 100_000_000;

/// The share above the success rate that still counts as a partial success.
const PARTIAL: f64 = 0.1;

/// How many iterations are drawn together.
const BLOCK: usize = 4096;

struct Scenario {
    name: String,
    base: f64,
    risks: Vec<Risk>,
    boost: f64,
}

struct Risk {
    name: String,
    probability: f64,
    impact: f64,
    mitigation: Option<String>,
}

pub(super) fn run(options: &ScenarioOptions) -> Result<ScenarioResult> {
    let scenario = read(
        options
            .scenario
            .as_ref()
            .map_or(&Value::Null, |json| &json.0),
    )?;
    let iterations = options.iterations.unwrap_or(DEFAULT_ITERATIONS);
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Err(Error::invalid_argument(format!(
            "iterations: must be between 1 and {MAX_ITERATIONS}, not {iterations}"
        )));
    }
    let seed = options
        .seed
        .map_or_else(|| Ok(random_seed()), checked_seed)?;
    let (outcomes, hits) = simulate(&scenario, iterations.unsigned_abs(), seed);
    let percent = |count: i64| (count as f64 / iterations as f64 * 10_000.0).round() / 100.0;
    let failed = outcomes.failure as f64 / iterations as f64;
    let mut risks: Vec<_> = scenario.risks.iter().zip(hits).collect();
    risks.sort_by(|(_, a), (_, b)| b.cmp(a));
    Ok(ScenarioResult {
        id: Id::new(),
        scenario: scenario.name,
        iterations,
        seed,
        confidence: percent(outcomes.success),
        failure_rate: percent(outcomes.failure),
        risk_grade: match failed {
            rate if rate < 0.05 => "LOW",
            rate if rate < 0.15 => "MEDIUM",
            rate if rate < 0.30 => "HIGH",
            _ => "CRITICAL",
        }
        .to_owned(),
        top_mitigations: risks
            .into_iter()
            .map(|(risk, hits)| ScenarioRisk {
                risk: risk.name.clone(),
                hit_rate: format!("{:.1}%", hits as f64 / iterations as f64 * 100.0),
                recommendation: risk
                    .mitigation
                    .clone()
                    .unwrap_or_else(|| format!("Add a mitigation for {}", risk.name)),
            })
            .collect(),
        success: estimate::probability(outcomes.success.unsigned_abs(), iterations.unsigned_abs()),
        outcomes,
        ts: now(),
    })
}

fn read(document: &Value) -> Result<Scenario> {
    let empty = serde_json::json!({});
    let mut fields = Fields::of(
        if document.is_null() { &empty } else { document },
        "scenario",
    )?;
    let name = fields
        .get("name")
        .map_or(Ok("unnamed".to_owned()), |field| field.name())?;
    let base = fields
        .get("baseSuccessRate")
        .map_or(Ok(0.85), |field| field.number_in(0.0, 1.0))?;
    let risks = fields
        .get("riskFactors")
        .map_or(Ok(Vec::new()), |field| field.list())?;
    let mitigations = fields
        .get("mitigations")
        .map_or(Ok(Vec::new()), |field| field.list())?;
    fields.finish_strict()?;
    let boosts = mitigations
        .iter()
        .map(boost)
        .collect::<Result<Vec<f64>>>()?;
    Ok(Scenario {
        name,
        base,
        risks: risks.iter().map(risk).collect::<Result<_>>()?,
        boost: boosts.iter().sum(),
    })
}

fn risk(field: &Field<'_>) -> Result<Risk> {
    let mut fields = field.fields()?;
    let risk = Risk {
        name: fields.require("name")?.name()?,
        probability: fields
            .get("probability")
            .map_or(Ok(0.1), |field| field.number_in(0.0, 1.0))?,
        impact: fields
            .get("impact")
            .map_or(Ok(0.3), |field| field.number_in(0.0, 1.0))?,
        mitigation: fields
            .get("mitigation")
            .map(|field| field.text().map(str::to_owned))
            .transpose()?,
    };
    fields.finish_strict()?;
    Ok(risk)
}

/// Names and descriptions of mitigations are the callers' own business.
fn boost(field: &Field<'_>) -> Result<f64> {
    let mut fields = field.fields()?;
    fields
        .get("boost")
        .map_or(Ok(0.05), |field| field.number_in(0.0, 1.0))
}

fn simulate(scenario: &Scenario, iterations: u64, seed: i64) -> (ScenarioOutcomes, Vec<u64>) {
    const DOMAIN: &str = "heady/scenario";
    let mut base = Stream::new(seed, DOMAIN, &["base"]);
    let mut streams: Vec<_> = scenario
        .risks
        .iter()
        .enumerate()
        // The number tells apart two risks of the same name.
        .map(|(index, risk)| Stream::new(seed, DOMAIN, &["risk", &risk.name, &index.to_string()]))
        .collect();
    let (mut outcomes, mut hits) = (
        ScenarioOutcomes {
            success: 0,
            partial: 0,
            failure: 0,
        },
        vec![0; streams.len()],
    );
    let (mut words, mut rates) = (vec![0; BLOCK], vec![0.0; BLOCK]);
    let mut done = 0;
    while done < iterations {
        let count = (iterations - done).min(BLOCK as u64) as usize;
        rates[..count].fill(scenario.base);
        for ((risk, stream), hits) in scenario.risks.iter().zip(&mut streams).zip(&mut hits) {
            stream.fill(done, &mut words[..count]);
            for (rate, word) in rates[..count].iter_mut().zip(&words) {
                if Uniform::of(*word).below < risk.probability {
                    *rate *= 1.0 - risk.impact;
                    *hits += 1;
                }
            }
        }
        base.fill(done, &mut words[..count]);
        for (rate, word) in rates[..count].iter().zip(&words) {
            let rate = (rate + scenario.boost).min(1.0);
            let draw = Uniform::of(*word).below;
            if draw < rate {
                outcomes.success += 1;
            } else if draw < rate + PARTIAL {
                outcomes.partial += 1;
            } else {
                outcomes.failure += 1;
            }
        }
        done += count as u64;
    }
    (outcomes, hits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shares(scenario: Value) -> (ScenarioResult, [f64; 3]) {
        let options = ScenarioOptions {
            scenario: Some(scenario.into()),
            iterations: Some(1_000_000),
            seed: Some(42),
        };
        let result = run(&options).unwrap();
        let outcomes = &result.outcomes;
        let shares =
            [outcomes.success, outcomes.partial, outcomes.failure].map(|count| count as f64 / 1e6);
        (result, shares)
    }

    fn close(found: [f64; 3], expected: [f64; 3]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 0.015,
                "{found} is not {expected}"
            );
        }
    }

    #[test]
    fn the_callers_own_figures_come_out() {
        // Their results for an empty scenario and for two risks with a mitigation, from 10,000 iterations of theirs.
        let (empty, found) = shares(json!({}));
        close(found, [0.8494, 0.1007, 0.0499]);
        assert_eq!(empty.scenario, "unnamed");
        let (risky, found) = shares(json!({
            "name": "release", "mitigations": [{"boost": 0.05}],
            "riskFactors": [
                {"name": "api_latency_spike", "probability": 0.1, "impact": 0.3},
                {"name": "db_migration", "probability": 0.2, "impact": 0.5, "mitigation": "Rehearse it"},
            ],
        }));
        close(found, [0.7918, 0.1052, 0.1030]);
        let first = &risky.top_mitigations[0];
        assert_eq!(
            (first.risk.as_str(), first.recommendation.as_str()),
            ("db_migration", "Rehearse it")
        );
        assert!(first.hit_rate.starts_with("20.0") || first.hit_rate.starts_with("19.9"));
    }

    #[test]
    fn risks_with_names_of_equal_length_are_independent() {
        let (_, found) = shares(json!({"baseSuccessRate": 1.0, "riskFactors": [
            {"name": "aa", "probability": 0.5, "impact": 1.0}, {"name": "bb", "probability": 0.5, "impact": 1.0},
        ]}));
        assert!((found[0] - 0.25).abs() < 0.003, "{found:?}");
    }

    #[test]
    fn an_empty_request_is_valid_and_a_bad_one_is_named() {
        assert_eq!(run(&ScenarioOptions::default()).unwrap().iterations, 10_000);
        let refuse = |scenario: Value, iterations| {
            let options = ScenarioOptions {
                scenario: Some(scenario.into()),
                iterations,
                seed: None,
            };
            run(&options).unwrap_err().message().to_owned()
        };
        assert_eq!(
            refuse(json!({"baseSuccessRate": 1.5}), None),
            "scenario.baseSuccessRate: must be between 0 and 1, not 1.5"
        );
        assert!(refuse(json!({"riskFactor": []}), None).contains("did you mean 'riskFactors'?"));
        assert!(refuse(json!({}), Some(0)).starts_with("iterations: "));
    }
}
