"""A plugin of pytest that records what real engines are asked and answer while the tests run (`make examples`).

It is loaded for that alone (`-p tests.examples_recorder`). What is recorded already and still fits is kept, so that the
documents change only where the API does; delete `examples.json` to have all of it anew.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from cutline.actors.system import System
from cutline.http import app
from cutline.http.contracts import examples
from cutline.http.contracts.examples import Example
from cutline.http.door import Bare, Call, Handler, House, Reply, Route, wrap
from cutline.http.operation import JSON, Operation
from cutline.http.routes import webhook
from cutline.http.schemas.documents import DocumentGiven

BYTES_MAX = 3_000
"""Of the answers that fit a screen, the one that tells most is shown."""
SECRET = "eyJ"  # how each token begins: no document should look as if it held one
_BODY = web.RequestKey("_BODY", bytes)

Answer = dict[str, Any]
_best: dict[tuple[str, str, str], tuple[tuple[bool, int], Any, Answer | None]] = {}
"""By operation, status and media type: how much it tells, the answer, and what was asked."""


def pytest_configure() -> None:
    """Listen at every door of every engine from now on."""
    app.wrap = _listening_wrap  # type: ignore[attr-defined]  # the module's own name for it
    app.BARE = tuple(replace(bare, door=_listening_door(bare)) for bare in app.BARE)
    read_body = webhook.read_body  # type: ignore[attr-defined]  # the module's own name for it

    async def read_and_kept(request: web.Request) -> bytes:
        request[_BODY] = body = await read_body(request)
        return bytes(body)

    webhook.read_body = read_and_kept  # type: ignore[attr-defined]  # as above


def _listening_wrap(route: Route, house: House) -> Handler:
    @functools.wraps(route.handle)
    async def handle(call: Call) -> Reply:
        reply = await route.handle(call)
        asked = None if call.body is None else call.body.model_dump(mode="json", exclude_unset=True)
        text = reply.body.model_dump_json() if reply.text is None else reply.text
        _note(route, reply.status, reply.media_type.partition(";")[0], text, asked)
        return reply

    return wrap(replace(route, handle=handle) if isinstance(house.engine, System) else route, house)


def _listening_door(bare: Bare) -> Any:
    def door(house: House) -> Handler:
        handler = bare.door(house)

        async def handle(request: web.Request) -> web.StreamResponse:
            response = await handler(request)
            if response.status in bare.statuses and isinstance(house.engine, System):
                raw = request.get(_BODY)
                _note(
                    bare, response.status, bare.produces[0], _text(response), None if raw is None else json.loads(raw)
                )
            return response

        return handle

    return door


def _text(response: web.StreamResponse) -> str:
    if isinstance(response, web.Response):
        return bytes(response.body or b"").decode()  # type: ignore[arg-type]  # these doors answer with bytes
    content: bytes = response._content  # type: ignore[attr-defined]  # head and body in one piece
    return content.partition(b"\r\n\r\n")[2].decode()


def _note(operation: Operation, status: int, media: str, text: str, asked: Answer | None) -> None:
    value = _shortened(operation, media, text)
    said = json.dumps([asked, value])
    if SECRET in said:
        return
    weight = (len(said) <= BYTES_MAX, sum(1 for _ in _leaves(value)) * (1 if len(said) <= BYTES_MAX else -1))
    place = (operation.name, str(status), media)
    if place not in _best or weight > _best[place][0]:
        _best[place] = (weight, value, asked)


def _shortened(operation: Operation, media: str, text: str) -> Any:
    if operation.gives is DocumentGiven:
        return {**json.loads(text), "paths": {}, "components": {}}
    if media == JSON:
        return json.loads(text)
    return text[: text.index("\n", BYTES_MAX // 2) + 1] if len(text) > BYTES_MAX else text


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    elif value is not None:
        yield value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write down what is new, keep what still fits, and tell what is missing."""
    known: dict[str, Example] = json.loads(examples.PATH.read_text("utf-8")) if examples.PATH.exists() else {}
    kept: dict[str, Example] = {}
    for operation in app.OPERATIONS:
        name = operation.name
        kept[name] = known[name] if name in known and not examples.faults([operation], known) else _found(name)
    kept = {name: example for name, example in kept.items() if example["answers"]}
    text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False)
    examples.PATH.write_text(text + "\n", "utf-8")
    for fault in examples.faults(app.OPERATIONS, kept):
        terminalreporter.write_line(f"no example: {fault}")


def _found(name: str) -> Example:
    found = sorted((place[1:], heard) for place, heard in _best.items() if place[0] == name)
    answers: dict[str, dict[str, Any]] = {}
    for (status, media), (_, value, _) in found:
        answers.setdefault(status, {})[media] = value
    # The first success is what a first request is answered with; an equal one again is told that it was.
    asked = next((asked for (status, _), (_, _, asked) in reversed(found) if status == max(answers)), None)
    return {"asked": asked, "answers": answers}
