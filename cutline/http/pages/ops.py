"""Pages for whoever runs the box: signing in, the contests, one contest. They show, and change nothing.

Who has signed in is known by a cookie that holds the very token of the API; no script can read it, and no other site's
page makes the browser send it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from cutline.actors.handles import ContestHandle, GovernanceHandle
from cutline.engine.errors import RejectCode
from cutline.http.addresses import contest_id_of
from cutline.http.asking import Refused
from cutline.http.auth import STAFF, Principal
from cutline.http.limits import address_of
from cutline.http.pages.frame import SAFE, PageRoute, Visit, render, show
from cutline.http.paging import PageAsked, cursor_of
from cutline.http.routes.documents import text_of
from cutline.http.schemas.contests import ContestGiven
from cutline.http.strict import read_query

COOKIE: Final = "cutline_ops"
COOKIE_LASTS_S: Final = 12 * 3600
TOKEN_CHARACTERS_MAX: Final = 4096
DOCUMENT: Final = "/ops/docs/admin-api.json"
LINES_MAX: Final = 25
"""So many contests on a page: each one's file is looked into."""
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


async def sign_in_form(visit: Visit) -> web.StreamResponse:
    """Show the form."""
    return show(visit, render(visit, "sign_in.html", {"failed": False}), personal=True)


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Take a token; one of staff is kept in the browser, any other is refused on the form."""
    _judge_origin(visit.request)
    token = (await visit.request.post()).get("token")
    given = token.strip() if isinstance(token, str) else ""
    try:
        _admit(visit, given)
    except Refused as refused:
        if refused.code is RejectCode.UNAUTHENTICATED:
            now_s = asyncio.get_running_loop().time()
            visit.house.limits.note_failure(address_of(visit.request), now_s)
        visit.house.tally.admission(refused.code.value)
        text = render(visit, "sign_in.html", {"failed": True})
        return show(visit, text, status=403 if refused.code is RejectCode.FORBIDDEN else 401, personal=True)
    visit.house.tally.admission("ok")
    response = web.Response(status=303, headers={"Location": "/ops", "Cache-Control": "no-store"})
    _keep(visit.request, response, given, COOKIE_LASTS_S)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    """Forget the token."""
    _judge_origin(visit.request)
    response = web.Response(status=303, headers={"Location": "/ops/sign-in", "Cache-Control": "no-store"})
    _keep(visit.request, response, "", 0)
    return response


async def contests(visit: Visit) -> web.StreamResponse:
    """Show the contests that exist or are planned, by id, with their states."""
    person = _person(visit)
    if person is None:
        return _to_sign_in()
    after = read_query(visit.request, PageAsked).place.name
    listed = (await GovernanceHandle(visit.asking.ask).directory())["contests"]
    later = sorted((one for one in listed if one["contest_id"] > after), key=lambda one: str(one["contest_id"]))
    page = later[:LINES_MAX]
    states = await asyncio.gather(*(_state(visit, one["contest_id"]) for one in page))
    context = {
        "subject": person.subject,
        "here": visit.request.path_qs,
        "contests": [{**one, "state": state} for one, state in zip(page, states, strict=True)],
        "following": f"/ops?cursor={cursor_of(name=page[-1]['contest_id'])}" if len(later) > len(page) else None,
    }
    return show(visit, render(visit, "contests.html", context), personal=True)


async def _state(visit: Visit, contest_id: str) -> str:
    try:
        picture = await visit.house.standings.picture(contest_id)
    except Refused as refused:
        return "planned" if refused.code is RejectCode.NOT_FOUND else refused.code.value
    return f"{picture.status}, settled" if picture.settled else picture.status


async def contest(visit: Visit) -> web.StreamResponse:
    """Show one contest as it is, with all its transitions."""
    person = _person(visit)
    if person is None:
        return _to_sign_in()
    contest_id = contest_id_of(visit.request.match_info["contest_id"])
    given = ContestGiven.model_validate(await ContestHandle(visit.asking.ask, contest_id).read())
    shown: dict[str, Any] = given.model_dump()
    context = {"subject": person.subject, "here": visit.request.path, "contest": shown}
    return show(visit, render(visit, "contest.html", context), personal=True)


async def viewer(visit: Visit) -> web.StreamResponse:
    """Show the document of what staff and services may do."""
    if _person(visit) is None:
        return _to_sign_in()
    return show(visit, render(visit, "viewer.html", {"title": "Admin API", "document": DOCUMENT}), personal=True)


async def document(visit: Visit) -> web.StreamResponse:
    """Return that document to a browser, which sends its cookie here and no header."""
    if _person(visit) is None:
        raise Refused(RejectCode.UNAUTHENTICATED)
    headers = {**SAFE, "Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(text=text_of("admin"), headers=headers)


def _person(visit: Visit) -> Principal | None:
    """Return who has signed in, or None; a token that has run out signs nobody in."""
    token = visit.request.cookies.get(COOKIE)
    if not token:
        return None
    try:
        return _admit(visit, token)
    except Refused:
        return None


def _admit(visit: Visit, token: str) -> Principal:
    if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
        raise Refused(RejectCode.UNAUTHENTICATED)
    return visit.house.authenticator.admit({"Authorization": f"Bearer {token}"}, STAFF)


def _to_sign_in() -> web.Response:
    return web.Response(status=303, headers={"Location": "/ops/sign-in", "Cache-Control": "no-store"})


def _keep(request: web.Request, response: web.Response, token: str, max_age_s: int) -> None:
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") and ":" in request.host else request.host
    response.set_cookie(
        COOKIE,
        token,
        max_age=max_age_s,
        path="/ops",
        httponly=True,
        samesite="Strict",
        # Without TLS only this machine itself is spoken to; anybody else's browser must not send the token in clear.
        secure=host not in _THIS_MACHINE,
    )


def _judge_origin(request: web.Request) -> None:
    """Refuse a form that another site's page has sent: it would sign somebody in as somebody else."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Refused(RejectCode.FORBIDDEN, {"origin": "another"})


ROUTES = (
    PageRoute(method="GET", path="/ops/sign-in", handle=sign_in_form, summary="Sign in to the ops pages."),
    PageRoute(method="POST", path="/ops/sign-in", handle=sign_in, summary="Sign in to the ops pages."),
    PageRoute(method="POST", path="/ops/sign-out", handle=sign_out, summary="Sign out of the ops pages."),
    PageRoute(method="GET", path="/ops", handle=contests, summary="All contests, for people.", needs=STAFF),
    PageRoute(
        method="GET",
        path="/ops/contests/{contest_id}",
        handle=contest,
        summary="One contest and its transitions, for people.",
        needs=STAFF,
    ),
    PageRoute(method="GET", path="/ops/docs", handle=viewer, summary="The admin API, for people.", needs=STAFF),
    PageRoute(method="GET", path=DOCUMENT, handle=document, summary="The admin API's document.", needs=STAFF),
)
