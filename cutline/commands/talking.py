"""How a command talks to a running engine: where it is, who asks, what a refusal becomes; it asks nothing itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cutline.commands.output import CommandFailed

if TYPE_CHECKING:
    from cutline.http.client import CutlineClient

T = TypeVar("T")

URL_DEFAULT = "http://127.0.0.1:8080"
LOOK = "Look into the engine's log."
TOKEN_LIFETIME = timedelta(minutes=5)

Url = Annotated[str, typer.Option("--url", metavar="URL", envvar="CUTLINE_URL", help="The running engine.")]
OptionalUrl = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="A running engine, such as http://127.0.0.1:8080.")
]


def ask_engine(url: str, ask: Callable[[CutlineClient], Awaitable[T]]) -> T:
    """Ask a running engine as an admin and return its answer.

    The token is CUTLINE_TOKEN, or one minted with CUTLINE_JWT_SECRET for whoever is logged in. Raises CommandFailed
    with the engine's own code where it refuses, and where nobody answers.
    """
    import aiohttp

    from cutline.engine.error_registry import REGISTRY
    from cutline.http.client import ApiRefused, CutlineClient

    async def run() -> T:
        async with aiohttp.ClientSession() as session:
            return await ask(CutlineClient(session, url, _token(), retries=2))

    try:
        return asyncio.run(run())
    except ApiRefused as refused:
        advice = {code.value: spec.what_to_do for code, spec in REGISTRY.items()}.get(refused.code, LOOK)
        raise CommandFailed(f"{refused.code}: {refused.details}", advice) from refused
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandFailed(f"nobody answers at {url}: {error}", "Start the engine, or name it with --url.") from error


def _token() -> str:
    from cutline.http.auth import mint_token

    given = os.environ.get("CUTLINE_TOKEN")
    if given:
        return given
    secret = os.environ.get("CUTLINE_JWT_SECRET", "").partition(",")[0].strip()
    if not secret:
        raise CommandFailed(
            "neither CUTLINE_TOKEN nor CUTLINE_JWT_SECRET is set", "Set one of them, as the engine's environment does."
        )
    subject = os.environ.get("USER") or "shell"
    return mint_token(secret, subject, ["admin"], now=datetime.now(UTC), lifetime=TOKEN_LIFETIME)
