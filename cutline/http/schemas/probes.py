"""What probes and the list of routes answer."""

from __future__ import annotations

from typing import Literal

from cutline.http.schemas.base import Given


class AliveGiven(Given):
    """The event loop turns."""

    status: Literal["ok"]


class ReadyGiven(Given):
    """Whether the engine can work: the scheduler and each core actor are `ok`, or what is wrong with them."""

    status: Literal["ready", "not_ready"]
    actors: dict[str, str]


class RouteGiven(Given):
    """One route: of the scopes in `needs` a caller must have one; without any, everybody may call it."""

    method: str
    path: str
    needs: list[str]
    summary: str


class RoutesGiven(Given):
    """Every route there is, and which environment this is: an app built for another must not go on (ENV-006)."""

    name: str
    environment: str
    api_base_url: str | None
    routes: list[RouteGiven]
