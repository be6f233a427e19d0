"""stripe-stateful-mock as a peer: one SDK script uses idempotency keys there and here."""

from __future__ import annotations

from typing import Any

from cutline.simulation.emulators.stripe import StripeEmulator, listening
from tests.contracts.stripe.servers import differences, refusal, sdk, stateful_mock

EXPRESS = {"type": "express", "metadata": {"account_did": "did:x"}}

EXPLAINED = {
    "accounts": "follows from the validation: the mended request made one account here and none there",
    "other path": "Stripe compares the endpoint too; the mock keeps a key for each path",
    "validation": "Stripe saves nothing that failed before it was executed, so that a mended request may keep its key",
}
"""Where the two differ, and why ours is right (Stripe, "Idempotent requests")."""


def key(name: str) -> dict[str, Any]:
    return {"idempotency_key": name}


async def use_keys(v1: Any) -> dict[str, Any]:
    """Repeat requests under the same keys; return what was seen."""
    accounts = v1.accounts
    seen: dict[str, Any] = {}
    first = await accounts.create_async(EXPRESS, key("a"))
    again = await accounts.create_async(EXPRESS, key("a"))
    seen["replayed"] = (again.id == first.id, again.to_dict() == first.to_dict())
    told, retold = first.last_response.headers, again.last_response.headers
    seen["replayed.header"] = (told.get("Idempotent-Replayed"), retold.get("Idempotent-Replayed"))
    seen["replayed.original"] = retold.get("Original-Request") == told.get("Request-Id")
    seen["replayed.request"] = retold.get("Request-Id") not in (None, told.get("Request-Id"))
    seen["changed"] = await refusal(lambda: accounts.create_async(EXPRESS | {"country": "GB"}, key("a")))
    seen["changed back"] = (await accounts.create_async(EXPRESS, key("a"))).id == first.id
    seen["other key"] = (await accounts.create_async(EXPRESS, key("b"))).id != first.id
    seen["no key"] = len({(await accounts.create_async(EXPRESS)).id for _ in range(2)})
    seen["reading"] = (await accounts.retrieve_async(first.id, options=key("a"))).id == first.id
    seen["other path"] = await refusal(lambda: v1.refunds.create_async({"charge": "ch_nothing"}, key("a")))
    refused = await refusal(lambda: accounts.create_async({"country": "US"}, key("c")))
    seen["refused"] = (refused["kind"], refused["status"])
    seen["validation"] = await refusal(lambda: accounts.create_async(EXPRESS, key("c")))
    seen["accounts"] = len((await accounts.list_async({"limit": 100})).data)
    return seen


async def test_idempotency_keys_are_those_of_stripe_stateful_mock() -> None:
    """Faults that leave an answer in doubt are survived by keys alone, so keys must mean what they mean elsewhere."""
    async with listening(StripeEmulator()) as base_url, sdk(base_url) as v1:
        ours = await use_keys(v1)
    async with stateful_mock() as base_url, sdk(base_url) as v1:
        theirs = await use_keys(v1)
    differing = differences(ours, theirs)
    assert differing.keys() == EXPLAINED.keys(), differing
