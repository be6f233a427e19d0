"""Serves the API's own documents; it must not make them."""

from __future__ import annotations

from aiohttp import web

from cutline.http import answers, errors
from cutline.http.door import OPEN, STAFF, Bare, Call, Handler, House, Reply, Route
from cutline.http.operation import Document
from cutline.http.schemas.documents import DocumentGiven


def text_of(document: Document) -> str:
    """Return a document as it is committed."""
    # The documents are written from the table of operations, which holds these two.
    from cutline.http.contracts.committed import contracts

    return next(one.text for one in contracts() if one.document == document)


async def read_admin_document(_call: Call) -> Reply:
    """Return the document of what staff and services may do, in the very bytes that are committed."""
    text = text_of("admin")
    return Reply(body=DocumentGiven.model_validate_json(text), text=text)


def public_document(_house: House) -> Handler:
    """Return the handler that gives everybody the public document."""

    async def handle(request: web.Request) -> web.StreamResponse:
        text = text_of("public")
        reply = Reply(body=DocumentGiven.model_validate_json(text), text=text)
        return answers.answer(PUBLIC, reply, request, errors.correlation_of(request))

    return handle


PUBLIC = Bare(
    method="GET",
    path="/v1/openapi/public-api.json",
    operation_id="readPublicDocument",
    door=public_document,
    needs=OPEN,
    gives=DocumentGiven,
    document="public",
    polled=True,
    summary="Read this document.",
)
OPERATIONS = (PUBLIC,)
ROUTES = (
    Route(
        method="GET",
        path="/v1/openapi/admin-api.json",
        handle=read_admin_document,
        needs=STAFF,
        gives=DocumentGiven,
        polled=True,
        asks=False,
        summary="Read this document.",
    ),
)
