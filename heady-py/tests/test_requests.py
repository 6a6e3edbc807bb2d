"""One recorded set of requests: the ASGI application answers with the bytes of ``heady serve``."""

import functools
import json
import operator
import re
from pathlib import Path
from typing import Any

from test_asgi import send

import heady

FILE = json.loads((Path(__file__).parents[2] / "tests" / "conformance" / "requests.json").read_text())


def masked(text: str) -> str:
    for pattern, replacement in FILE["masks"]:
        text = re.sub(pattern, replacement, text)
    return text


def answered(app: Any, number: int, request: dict[str, Any], kept: dict[str, str]) -> dict[str, Any]:
    def filled(text: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda name: kept[name[1]], text)

    given = {name: filled(value) for name, value in request.get("headers", {}).items()}
    headers = {"x-request-id": f"request-{number}", **given}
    if "body" in request:
        headers.setdefault("content-type", "application/json")
    answer = send(
        app,
        request["method"],
        filled(request["path"]),
        request.get("body", "").encode() * request.get("repeat", 1),
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
    )
    found = {name.decode(): value.decode() for name, value in answer.headers.items()}
    for name, place in request.get("keep", {}).items():
        steps = place.split("/")[1:]
        kept[name] = functools.reduce(operator.getitem, steps, json.loads(answer.body)) if steps else found[place]
    compared = {name: masked(found[name]) for name in FILE["headers"] if name in found}
    return {"status": answer.status, "headers": compared, "body": masked(answer.body.decode())}


def test_asgi_answers_as_recorded() -> None:
    with heady.connect("sqlite::memory:") as engine:
        app = heady.asgi(engine, caller=lambda _: ("http:local", "admin"))
        kept: dict[str, str] = {}
        for number, request in enumerate(FILE["requests"]):
            assert answered(app, number, request, kept) == request["answer"], f"{request['method']} {request['path']}"
