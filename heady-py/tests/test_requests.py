"""One recorded set of requests: the ASGI application answers with the bytes of ``heady serve``."""

import json
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


def answered(app: Any, number: int, request: dict[str, Any]) -> dict[str, Any]:
    headers = {"x-request-id": f"request-{number}", **request.get("headers", {})}
    if "body" in request:
        headers.setdefault("content-type", "application/json")
    answer = send(
        app,
        request["method"],
        request["path"],
        request.get("body", "").encode(),
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
    )
    found = {name.decode(): value.decode() for name, value in answer.headers.items()}
    compared = {name: masked(found[name]) for name in FILE["headers"] if name in found}
    return {"status": answer.status, "headers": compared, "body": masked(answer.body.decode())}


def test_asgi_answers_as_recorded() -> None:
    with heady.connect("sqlite::memory:") as engine:
        app = heady.asgi(engine, caller=lambda _: ("http:local", "admin"))
        for number, request in enumerate(FILE["requests"]):
            assert answered(app, number, request) == request["answer"], f"{request['method']} {request['path']}"
