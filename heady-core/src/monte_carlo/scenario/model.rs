//! A scenario, and what it came to.

use serde::{Deserialize, Serialize};

use super::super::Estimate;
use crate::types::{Id, Json, Timestamp};

/// The callers' simple form of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ScenarioOptions {
    /// `{name, baseSuccessRate, riskFactors: [{name, probability, impact, mitigation}], mitigations: [{boost}]}`; each
    /// may be left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub scenario: Option<Json>,
    /// 1 to 100,000,000; 10,000 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub iterations: Option<i64>,
    /// 0 to 2^53 - 1; a random one if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub seed: Option<i64>,
}

/// How often a scenario ended how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ScenarioOutcomes {
    /// Wholly.
    pub success: i64,
    /// In part.
    pub partial: i64,
    /// Not at all.
    pub failure: i64,
}

/// A risk of a scenario and how often it occurred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ScenarioRisk {
    /// The risk's name.
    pub risk: String,
    /// The share of iterations in which it occurred, such as `19.9%`.
    pub hit_rate: String,
    /// What its owner wants to do about it, or that nothing is planned.
    pub recommendation: String,
}

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ScenarioResult {
    /// The result in the history.
    pub id: Id,
    /// The scenario's name.
    pub scenario: String,
    /// How many iterations there were.
    pub iterations: i64,
    /// What the draws follow from.
    pub seed: i64,
    /// How often it ended how.
    pub outcomes: ScenarioOutcomes,
    /// The share of successes in percent, with two decimals.
    pub confidence: f64,
    /// The share of failures in percent, with two decimals.
    pub failure_rate: f64,
    /// `LOW` below 5 % failures, `MEDIUM` below 15 %, `HIGH` below 30 %, else `CRITICAL`.
    pub risk_grade: String,
    /// The risks, the most frequent first.
    pub top_mitigations: Vec<ScenarioRisk>,
    /// The probability of success with its interval.
    pub success: Estimate,
    /// When.
    pub ts: Timestamp,
}

/// A page of what scenarios came to, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ScenarioPage {
    /// The results.
    pub scenarios: Vec<ScenarioResult>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}
