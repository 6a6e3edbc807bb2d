import ast
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

import heady

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"


def test_the_script_says_whether_the_release_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    found = runpy.run_path(str(EXAMPLES / "readiness.py"))
    verdict, *quantiles = capsys.readouterr().out.splitlines()
    assert verdict.startswith(f"{found['readiness'].verdict}: {found['readiness'].score} of 100")
    assert len(quantiles) == len(found["simulation"].duration.quantiles) > 0


def test_every_cell_of_the_notebook_runs() -> None:
    names: dict[str, Any] = {}
    shown = [
        show(run_cell("".join(cell["source"]), names))
        for cell in json.loads((EXAMPLES / "readiness.ipynb").read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    assert sum("<" in drawing for drawing in shown) == 2, "the simulation and the run are drawn"
    assert isinstance(names["simulation"], heady.Simulation)
    assert names["run"].status == "SUCCEEDED"
    assert list(names["chances"].values()) == sorted(names["chances"].values())
    assert names["alone"] < names["chances"][20]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Runs a cell as a notebook does: its value is that of the expression at its end."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        exec(compile(source, "cell", "exec"), names)
        return None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def show(value: Any) -> str:
    return value._repr_html_() if hasattr(value, "_repr_html_") else ""
