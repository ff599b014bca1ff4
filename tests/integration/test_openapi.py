"""Schemathesis asks a real daemon odd things, valid and not, for each operation of /openapi.json."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, Response
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi import checks

from llmd.server.application import TCP_MOUNTS
from llmd.server.openapi.document import Documents
from tests.integration.conftest import Daemon

DIALECTS = Documents(TCP_MOUNTS).dialects
EXAMPLES = 8
AGAIN = 2
"""Per operation and mode, and for one that is at another path too; less than a minute for all."""

CHEAP = {
    "max_tokens": 3,
    "max_completion_tokens": 3,
    "n": 2,
    "best_of": 2,
    "context_length": 4096,
}

NO_FAULT = re.compile(r"no_model|no_room|no model", re.IGNORECASE)
"""5xx that say what this machine lacks; any other is a bug."""

MODEL = "llmd-tiny"
FEW = 6
ESSENTIAL = {"messages", "prompt", "input", "model", "max_tokens"}


def no_bug(context: object, response: Response, case: Case) -> None:
    """Fail for a 5xx that is none of the machine's."""
    text = response.content.decode("utf-8", "replace")
    assert response.status_code < 500 or NO_FAULT.search(text), text


CHECKS = [
    no_bug,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@dataclass(frozen=True)
class Site:
    """A daemon with somebody who may do everything, and things that paths may name."""

    daemon: Daemon
    headers: dict[str, str]
    known: dict[str, str]

    def document(self, dialect: str) -> BaseSchema:
        address = self.daemon.address
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json?dialect={dialect}")
        schema.config.update(base_url=address)
        schema.hook("map_body")(cheap)
        return schema

    def likely(self, case: Case) -> Case:
        """Let some requests be such as can be met: about things that there are, without all options
        at once, of which most exclude each other.
        """
        for name, value in dict(case.path_parameters or {}).items():
            if len(str(value)) % 2 and case.method != "DELETE":  # the next ones ask for it too
                case.path_parameters[name] = self.known[name]
        if isinstance(case.body, dict) and len(case.body) > FEW:
            case.body = {
                name: MODEL if name == "model" else value
                for place, (name, value) in enumerate(case.body.items())
                if name in ESSENTIAL or (place + len(case.body)) % FEW == 0
            }
        return case


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    daemon = Daemon(tmp_path_factory.mktemp("home")).start()
    call = daemon.call
    call("POST", "/control/users", {"name": "root", "password": "a long one", "role": "admin"})
    user = call("POST", "/control/users", {"name": "other", "password": "another one"})
    key = call("POST", "/control/keys", {"user": "other"})
    secret = call("POST", "/control/keys", {"user": "root"})["secret"]
    session = call("POST", "/api/sessions", {"title": "x"})
    known = {
        "name": MODEL,
        "model_id": MODEL,
        "modelId": MODEL,
        "userId": user["id"],
        "keyId": key["key"]["id"],
        "session_id": session["id"],
        "deployment_id": "deploy-1",
    }
    yield Site(daemon, {"Authorization": f"Bearer {secret}"}, known)
    assert daemon.stop() == 0


def cheap(context: object, body: Any) -> Any:
    """Let answers be short and contexts small, as far as that leaves what is wrong in a request as
    wrong as it is.
    """
    if isinstance(body, dict):
        for name, most in CHEAP.items():
            if isinstance(body.get(name), int) and body[name] > most:
                body[name] = most
        if {"prompt", "messages"} & body.keys():
            body.setdefault("max_tokens", CHEAP["max_tokens"])
        cheap(context, body.get("requests"))
    if isinstance(body, list):
        for one in body:
            cheap(context, one)
    return body


def ask(site: Site, operation: APIOperation, mode: GenerationMode, most: int) -> None:
    strategy = operation.as_strategy(generation_mode=mode)
    if mode is GenerationMode.POSITIVE:
        strategy = strategy.map(site.likely)

    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Case) -> None:
        case.call_and_validate(checks=CHECKS, headers=site.headers, timeout=100)

    one()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_odd_requests_get_the_answers_that_the_document_tells_of(site: Site, dialect: str) -> None:
    operations = [found.ok() for found in site.document(dialect).get_all_operations()]
    assert operations
    for place, operation in enumerate(operations):
        before = [one.path for one in operations[:place] if one.method == operation.method]
        most = AGAIN if any(path.endswith(operation.path) for path in before) else EXAMPLES
        ask(site, operation, GenerationMode.POSITIVE, most)
        with contextlib.suppress(Unsatisfiable):  # where nothing can be wrong with a request
            ask(site, operation, GenerationMode.NEGATIVE, most)


@pytest.mark.parametrize("dialect", ["openai", "native"])
def test_the_examples_of_the_document_are_answered(site: Site, dialect: str) -> None:
    paths = site.document(dialect).raw_schema["paths"]
    bodies = {
        path: item["post"]["requestBody"]["content"]["application/json"].get("example")
        for path, item in paths.items()
        if "requestBody" in item.get("post", {})
    }
    shown = {path: cheap(None, deepcopy(body)) for path, body in bodies.items() if body}
    assert len(shown) > 4
    for path, body in shown.items():
        needs_another_model = path.endswith(("/embeddings", "/rerank"))
        assert post(site, path, body) == (404 if needs_another_model else 200), path


def post(site: Site, path: str, body: object) -> int:
    sent = urllib.request.Request(
        site.daemon.address + path, json.dumps(body).encode(), site.headers, method="POST"
    )
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html"),
        ("/redoc", "text/html"),
        ("/api/docs", "text/html"),
        ("/api/redoc", "text/html"),
        ("/api/docs/redoc.standalone.js", "text/javascript"),
    ],
)
def test_the_document_and_its_pages_come_from_the_package(site: Site, path: str, kind: str) -> None:
    with urllib.request.urlopen(site.daemon.address + path, timeout=30) as answer:
        assert answer.headers.get_content_type() == kind
        assert answer.headers["ETag"]
