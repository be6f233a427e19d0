"""The API as Python calls it: typed methods over aiohttp, with retries that cannot do anything twice.

It has a method for every operation of both documents but Stripe's own webhook. It must not import the server's side.
"""

from __future__ import annotations

from cutline.http.client.entrants import EntrantOperations
from cutline.http.client.staff import StaffOperations
from cutline.http.client.wire import RETRIED_STATUSES, ApiRefused

__all__ = ["RETRIED_STATUSES", "ApiRefused", "CutlineClient"]


class CutlineClient(EntrantOperations, StaffOperations):
    """One principal's client. `token` is a bearer token, or a service key."""
