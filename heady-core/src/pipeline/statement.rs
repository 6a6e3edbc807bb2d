//! What a transactional task writes beside its checkpoint, in the same transaction.

use serde_json::Value;

use crate::document::Fields;
use crate::error::{Error, Result};
use crate::registry;
use crate::store::{Arg, Transaction};

/// A statement in the engine's own database.
#[derive(Debug)]
pub(super) struct Statement {
    sql: String,
    args: Vec<Arg>,
}

impl Statement {
    /// Takes apart what a transactional handler returns: `{output, statements: [{sql, args}]}`.
    pub(super) fn split(returned: &Value) -> Result<(Value, Vec<Self>)> {
        let form = |error: Error| {
            error.context("a TRANSACTIONAL task returns {output, statements: [{sql, args}]}")
        };
        let mut fields = Fields::of(returned, "").map_err(form)?;
        let output = fields
            .get("output")
            .map(|field| field.value.clone())
            .unwrap_or_default();
        let mut statements = Vec::new();
        if let Some(field) = fields.get("statements") {
            for field in field.list().map_err(form)? {
                let mut fields = field.fields().map_err(form)?;
                let sql = fields
                    .require("sql")
                    .and_then(|sql| sql.text().map(str::to_owned))
                    .map_err(form)?;
                let args = fields
                    .get("args")
                    .map(|args| args.list())
                    .transpose()
                    .map_err(form)?
                    .unwrap_or_default();
                fields.finish_strict().map_err(form)?;
                statements.push(Self {
                    sql,
                    args: args.iter().map(|field| arg(field.value)).collect(),
                });
            }
        }
        fields.finish_strict().map_err(form)?;
        Ok((output, statements))
    }

    /// Whether it names a table of the registry's entries.
    pub(super) fn may_change_entries(&self) -> bool {
        let sql = self.sql.to_lowercase();
        registry::TABLES.iter().any(|table| sql.contains(table))
    }

    pub(super) async fn execute(self, transaction: &mut Transaction) -> Result<()> {
        transaction.execute(self.sql, self.args).await.map(drop)
    }
}

fn arg(value: &Value) -> Arg {
    match value {
        Value::Null => Arg::Text(None),
        Value::Bool(value) => Arg::Bool(Some(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Arg::Int(Some(value)),
            None => Arg::Float(number.as_f64()),
        },
        Value::String(text) => Arg::Text(Some(text.clone())),
        other => Arg::Json(Some(other.clone())),
    }
}
