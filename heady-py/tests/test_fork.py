"""A fork has the memory of its parent and none of the engine's threads: it ends, and it says why it does nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BEFORE = """
import os, sys, heady

def end_of(child):
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)

engine = heady.connect({url!r})
engine.registry.put_node("before")
"""

# Each way in which a child ends: by itself, out of a `with` block, closing what it has.
ENDS = {
    "falls off the end": """
child = os.fork()
if child:
    assert end_of(child) == 0
    print(engine.registry.get_node("before").id)
""",
    "leaves a with block": """
with engine:
    child = os.fork()
    if not child:
        sys.exit(7)
    assert end_of(child) == 7
    print(engine.registry.get_node("before").id)
""",
    "closes": """
child = os.fork()
if not child:
    engine.close()
    del engine
    sys.exit(7)
assert end_of(child) == 7
print(engine.registry.get_node("before").id)
""",
    "calls": """
child = os.fork()
if not child:
    for call in (engine.registry.list_nodes, engine.start, lambda: heady.connect("sqlite::memory:")):
        try:
            call()
        except heady.FailedPreconditionError:
            pass
        else:
            sys.exit("a call did not fail")
    sys.exit(7)
assert end_of(child) == 7
print(engine.registry.get_node("before").id)
""",
    "serves": """
app = heady.asgi(engine)
child = os.fork()
if not child:
    sys.exit(7)
assert end_of(child) == 7
print(engine.registry.get_node("before").id)
""",
}


def run(script: str) -> str:
    """Whatever hangs in a child holds the pipe open, so that this does not wait for the parent alone."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("end", ENDS)
def test_a_fork_ends_and_its_parent_goes_on(end: str, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'forked.db'}"
    assert run(BEFORE.format(url=url) + ENDS[end]) == "before\n"


def test_a_fork_from_before_the_first_engine_has_one_of_its_own(tmp_path: Path) -> None:
    script = f"""
import os, sys, heady
child = os.fork()
engine = heady.connect("sqlite:{tmp_path}/%s.db" % ("parent" if child else "child"))
engine.registry.put_node("a")
if child:
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status))
"""
    assert run(script) == "0\n"
