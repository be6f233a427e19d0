"""What Stripe sends and is answered, for the documents: the webhook's own door reads and writes the bytes itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from cutline.http.schemas.base import Given


class StripeEventTaken(BaseModel):
    """One of Stripe's events; what it holds beyond these fields is Stripe's to say."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    type: str
    livemode: bool
    data: dict[str, Any]


class WebhookGiven(Given):
    """What became of the event. `deduped`: it was known before; `forwarded_to_ledger`: the books hold it."""

    deduped: bool
    forwarded_to_ledger: bool
    outcome: str
