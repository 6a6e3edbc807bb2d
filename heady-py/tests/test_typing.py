"""What a type checker sees of the package in a program of a user."""

import subprocess
import sys
from pathlib import Path

import heady

GOOD = """
import collections
import datetime

import heady

with heady.connect("sqlite::memory:", durability="FULL", allow_hosts=["a"], allow_programs=("git",)) as engine:
    node: heady.Node = engine.registry.put_node("a", triggers=collections.deque(["b"]))
    engine.registry.watch(kinds=["NODE"], ids=("a", "b"))
    engine.audit.list(since=datetime.datetime.now(datetime.timezone.utc), limit=1)
    reveal_type(node.triggers)
try:
    pass
except heady.NotFoundError as error:
    reveal_type(error.code)
"""

BAD = """
import heady

engine = heady.connect("sqlite::memory:", allow_programs="git")
engine = heady.connect("sqlite::memory:", allow_hosts="a")
engine.registry.put_node("a", triggers="abc")
engine.registry.put_node("a", triggers={0: "abc"})
engine.registry.put_node("a", triggers=[1])
engine.registry.watch(ids="abc")
engine.registry.watch(kinds="NODE")
engine.registry.watch(kinds=["X"])
engine.registry.probe(services="abc")
engine.audit.verify(public_keys="abc")
engine.pipeline.follow("a", stages="abc")
"""


def checked(program: str, folder: Path) -> list[str]:
    """What mypy says of a program that lies elsewhere and only imports the package."""
    (folder / "program.py").write_text(program)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "program.py"]
    return subprocess.run(mypy, cwd=folder, capture_output=True, text=True).stdout.splitlines()


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(heady.__file__).parent / "py.typed").is_file()


def test_a_program_of_a_user_sees_the_types(tmp_path: Path) -> None:
    said = checked(GOOD, tmp_path)
    revealed = [line.split("Revealed type is ")[-1] for line in said[:-1]]
    assert revealed == ['"list[str]"', '"str"'], said
    assert said[-1] == "Success: no issues found in 1 source file"


def test_one_text_is_no_list_of_texts(tmp_path: Path) -> None:
    said = checked(BAD, tmp_path)
    wrong = [int(line.split(":")[1]) for line in said if ": error: " in line]
    assert wrong == list(range(4, 4 + len(wrong))) and len(wrong) == 11, said
