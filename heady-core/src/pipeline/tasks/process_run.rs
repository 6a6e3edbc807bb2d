//! `process.run {program, args, cwd, env, expectExit}`: one allowed program, without a shell.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{EngineTask, Folder, TaskContext, TaskFuture, Tools};
use crate::document::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::{Output, ProcessRequest, folder_inside};

/// Variables that make an allowed program load foreign code; a definition may not set them.
const LOADER_PREFIXES: [&str; 3] = ["LD_", "DYLD_", "HEADY_"];

/// How much of what a failed program said last stands in the message, in characters.
const SHOWN: usize = 300;

#[derive(Debug)]
pub(super) struct ProcessRun {
    program: String,
    args: Vec<String>,
    /// Inside the definition's folder.
    cwd: String,
    env: BTreeMap<String, String>,
    expected_exit: Vec<i64>,
}

impl ProcessRun {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self> {
        let program = fields.require("program")?;
        let name = program.text()?.trim().to_owned();
        if name.is_empty() || name.contains('\0') {
            return Err(program.error("must name a program"));
        }
        let args = fields
            .get("args")
            .map(|field| field.names())
            .transpose()?
            .unwrap_or_default();
        let cwd = fields
            .get("cwd")
            .map(|field| field.text().map(str::to_owned))
            .transpose()?
            .unwrap_or_default();
        let mut env = BTreeMap::new();
        if let Some(field) = fields.get("env") {
            let object = field
                .value
                .as_object()
                .ok_or_else(|| field.expected("an object of texts"))?;
            for (key, value) in object {
                let value = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    _ => {
                        return Err(
                            field.error(format_args!("the value of '{key}' must be a text"))
                        );
                    }
                };
                let reserved =
                    key == "PATH" || LOADER_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
                if reserved || key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
                    return Err(field.error(format_args!("'{key}' cannot be set by a definition")));
                }
                env.insert(key.clone(), value);
            }
        }
        let expected_exit = match fields.get("expectExit") {
            Some(field) if field.value.is_array() => field
                .list()?
                .iter()
                .map(|item| item.integer_in(0, 255))
                .collect::<Result<_>>()?,
            Some(field) => vec![field.integer_in(0, 255)?],
            None => vec![0],
        };
        fields.finish_strict()?;
        Ok(Self {
            program: name,
            args,
            cwd,
            env,
            expected_exit,
        })
    }
}

impl EngineTask for ProcessRun {
    fn check(&self, tools: &Tools, folder: &Folder) -> Result<()> {
        tools.programs.check(&self.program, &folder.0)?;
        folder_inside(&folder.0, &self.cwd).map(drop)
    }

    fn call(self: Arc<Self>, tools: Tools, folder: Folder, context: TaskContext) -> TaskFuture {
        Box::pin(async move {
            let mut env = self.env.clone();
            env.extend([
                ("HEADY_RUN_ID".to_owned(), context.run_id.to_string()),
                ("HEADY_STAGE".to_owned(), context.stage.clone()),
                ("HEADY_TASK".to_owned(), context.task.clone()),
                ("HEADY_ATTEMPT".to_owned(), context.attempt.to_string()),
                (
                    "HEADY_IDEMPOTENCY_KEY".to_owned(),
                    context.idempotency_key.clone(),
                ),
            ]);
            let request = ProcessRequest {
                program: tools.programs.check(&self.program, &folder.0)?,
                args: self.args.clone(),
                folder: folder_inside(&folder.0, &self.cwd)?,
                env,
            };
            let result = request.run(&context.cancel).await?;
            let output = json!({
                "exitCode": result.exit_code, "signal": result.signal,
                "stdout": result.stdout.text, "stdoutTruncated": result.stdout.truncated(),
                "stderr": result.stderr.text, "stderrTruncated": result.stderr.truncated(),
            });
            if result
                .exit_code
                .is_some_and(|code| self.expected_exit.contains(&i64::from(code)))
            {
                return Ok(output);
            }
            let how = match (result.exit_code, result.signal) {
                (Some(code), _) => format!("exited with {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended without an exit code".to_owned(),
            };
            let said = last_words(&result.stderr).or_else(|| last_words(&result.stdout));
            let said = said.map(|line| format!(": {line}")).unwrap_or_default();
            // A program that fails may succeed when it is run again; nobody can tell from its exit code.
            Err(Error::new(
                ErrorKind::Internal,
                format!("'{}' {how}{said}", self.program),
            )
            .with_details(output))
        })
    }
}

fn last_words(output: &Output) -> Option<String> {
    let line = output
        .text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(line.chars().take(SHOWN).collect())
}
