//! A run's progress at the terminal, or line by line where there is none.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use heady_core::pipeline::{PipelineRun, RunEvent, RunEvents, StageStatus};
use heady_core::report;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::note;

/// Shows events until there are no more.
pub(crate) async fn show(run: &PipelineRun, mut events: RunEvents) {
    let mut display = Display::new(run);
    while let Some(event) = events.next().await {
        display.take(event);
    }
    display.close();
}

struct Display<'r> {
    run: &'r PipelineRun,
    /// `None` where stderr is no terminal.
    screen: Option<Screen>,
    begun: HashMap<(u32, String), Instant>,
}

struct Screen {
    bars: MultiProgress,
    total: ProgressBar,
    running: HashMap<(u32, String), ProgressBar>,
}

impl<'r> Display<'r> {
    fn new(run: &'r PipelineRun) -> Self {
        let screen = std::io::stderr().is_terminal().then(|| {
            let bars = MultiProgress::new();
            let count: usize = run.stages.iter().map(|stage| stage.tasks.len()).sum();
            let total = bars.add(ProgressBar::new(count as u64));
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {pos}/{len} tasks, {elapsed} {wide_msg}")
            {
                total.set_style(style);
            }
            Screen {
                bars,
                total,
                running: HashMap::new(),
            }
        });
        Self {
            run,
            screen,
            begun: HashMap::new(),
        }
    }

    fn take(&mut self, event: RunEvent) {
        match event {
            RunEvent::StageStarted { stage } => {
                let name = format!("stage {}", self.stage(stage));
                match &self.screen {
                    Some(screen) => screen.total.set_message(name),
                    None => note(&name),
                }
            }
            RunEvent::TaskStarted {
                stage,
                task,
                attempt,
                compensating,
            } => {
                let again = if attempt > 1 {
                    format!(", attempt {attempt}")
                } else {
                    String::new()
                };
                let line = format!(
                    "{}{}{again}",
                    undoing(compensating),
                    self.task(stage, &task)
                );
                self.begun
                    .entry((stage, task.clone()))
                    .or_insert_with(Instant::now);
                self.spin(stage, task, line);
            }
            RunEvent::TaskWaits {
                stage,
                task,
                wait_ms,
                error,
            } => {
                let line = format!(
                    "{} waits {} after {}: {}",
                    self.task(stage, &task),
                    report::duration(wait_ms),
                    error.code,
                    error.message
                );
                self.print(&format!("  ↻ {line}"));
                self.spin(stage, task, line);
            }
            RunEvent::TaskEnded {
                stage,
                task,
                status,
                error,
                compensating,
            } => {
                let took = self
                    .begun
                    .remove(&(stage, task.clone()))
                    .map(|begun| begun.elapsed().as_secs_f64() * 1000.0);
                let took = took
                    .map(|ms| format!("  {}", report::duration(ms)))
                    .unwrap_or_default();
                let why = error
                    .map(|error| format!("  {}: {}", error.code, error.message))
                    .unwrap_or_default();
                let mark = if status == StageStatus::Succeeded {
                    "✓"
                } else {
                    "✗"
                };
                let line = format!(
                    "  {mark} {}{}{took}{why}",
                    undoing(compensating),
                    self.task(stage, &task)
                );
                if let Some(screen) = &mut self.screen {
                    if let Some(bar) = screen.running.remove(&(stage, task)) {
                        bar.finish_and_clear();
                    }
                    if !compensating {
                        screen.total.inc(1);
                    }
                }
                self.print(&line);
            }
            RunEvent::StageEnded { .. } | RunEvent::RunChanged { .. } => {}
        }
    }

    fn spin(&mut self, stage: u32, task: String, line: String) {
        let Some(screen) = &mut self.screen else {
            return;
        };
        let bar = screen.running.entry((stage, task)).or_insert_with(|| {
            let bar = screen.bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(line);
    }

    fn print(&self, line: &str) {
        match &self.screen {
            Some(screen) => drop(screen.bars.println(line)),
            None => note(line),
        }
    }

    fn stage(&self, stage: u32) -> &str {
        self.run
            .stages
            .get(stage as usize)
            .map_or("?", |stage| &stage.id)
    }

    fn task(&self, stage: u32, task: &str) -> String {
        format!("{}/{task}", self.stage(stage))
    }

    fn close(self) {
        if let Some(screen) = self.screen {
            for bar in screen.running.into_values() {
                bar.finish_and_clear();
            }
            screen.total.finish_and_clear();
        }
    }
}

fn undoing(compensating: bool) -> &'static str {
    if compensating { "undo " } else { "" }
}
