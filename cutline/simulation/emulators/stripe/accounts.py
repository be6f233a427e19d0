"""Connected accounts, their capabilities and onboarding links; it must not move money."""

from __future__ import annotations

from typing import Literal

from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.errors import account_invalid, invalid_parameter
from cutline.simulation.emulators.stripe.forms import read_metadata, read_optional_text, read_text
from cutline.simulation.emulators.stripe.platform import Platform, Wire

CREATE = frozenset({
    "business_profile", "business_type", "capabilities", "country", "default_currency", "email", "metadata",
    "settings", "tos_acceptance", "type",
})  # fmt: skip
LINK = frozenset({"account", "collection_options", "refresh_url", "return_url", "type"})

CapabilityStatus = Literal["active", "inactive", "pending"]

_TYPES = ("express", "custom", "standard")
_INTERVALS = ("daily", "manual", "monthly", "weekly")
_CAPABILITIES = frozenset({"card_payments", "transfers"})
_LINK_LIFE_S = 300


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/accounts`: every requested capability is inactive until onboarding is done."""
    parameters = call.parameters
    kind = read_text(parameters, "type")
    if kind not in _TYPES:
        raise invalid_parameter("type", f"Invalid type: must be one of {', '.join(_TYPES)}")
    capabilities = parameters.get("capabilities", {})
    if not isinstance(capabilities, dict) or capabilities.keys() - _CAPABILITIES:
        raise invalid_parameter("capabilities", "Unknown capability")
    _check_schedule(parameters.get("settings", {}))
    requested = [name for name, wish in capabilities.items() if wish == {"requested": "true"}]
    account: Wire = {
        "id": platform.mint("acct"),
        "object": "account",
        "business_type": read_optional_text(parameters, "business_type"),
        "capabilities": dict.fromkeys(requested, "inactive"),
        "charges_enabled": False,
        "country": read_optional_text(parameters, "country") or "US",
        "created": platform.now_s,
        "default_currency": read_optional_text(parameters, "default_currency") or "usd",
        "details_submitted": False,
        "email": read_optional_text(parameters, "email"),
        "metadata": read_metadata(parameters),
        "payouts_enabled": False,
        "requirements": {},
        "type": kind,
    }
    account["requirements"] = _requirements(ready=False)
    platform.accounts[account["id"]] = account
    return account


def _check_schedule(settings: object) -> None:
    """Accept how often the account is paid out by itself; whatever it says, the emulator pays nothing out unasked."""
    payouts = settings.get("payouts") if isinstance(settings, dict) else None
    schedule = payouts.get("schedule") if isinstance(payouts, dict) else None
    if settings and (not isinstance(schedule, dict) or schedule.get("interval") not in _INTERVALS):
        raise invalid_parameter("settings", "Invalid settings: only settings[payouts][schedule][interval] is known")


def _requirements(*, ready: bool) -> Wire:
    due = [] if ready else ["external_account", "individual.dob.day", "tos_acceptance.date"]
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": None if ready else "requirements.past_due",
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }


def change_status(
    platform: Platform, account_id: str, *, transfers: CapabilityStatus, payouts_enabled: bool | None = None
) -> Wire:
    """Set an account's `transfers` capability, as Stripe's checks would, and send the Connect event."""
    account = platform.find(platform.accounts, "account", account_id)
    ready = transfers == "active"
    account["capabilities"] = dict.fromkeys(account["capabilities"] or {"transfers": ""}, transfers)
    account["payouts_enabled"] = ready if payouts_enabled is None else payouts_enabled
    account["charges_enabled"] = account["capabilities"].get("card_payments") == "active"
    account["details_submitted"] = account["details_submitted"] or ready
    account["requirements"] = _requirements(ready=ready)
    platform.record("account.updated", account, account=account_id)
    return account


def deauthorize(platform: Platform, account_id: str) -> Wire:
    """Let an account's owner disconnect it; the event's object is the application, the account is beside it.

    The platform can no longer name the account; what it holds stays its own.
    """
    find_connected(platform, account_id)
    platform.deauthorized.add(account_id)
    application: Wire = {"id": "ca_emulator", "object": "application", "name": "Cutline"}
    platform.record("account.application.deauthorized", application, account=account_id)
    return application


def find_connected(platform: Platform, account_id: str, *, param: str = "id", noun: str = "account") -> Wire:
    """Return an account; raise `ApiError` for one that is unknown, or 403 for one that was disconnected."""
    if account_id in platform.deauthorized:
        raise account_invalid(account_id)
    return platform.find(platform.accounts, noun, account_id, param=param)


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/accounts/{id}`."""
    return find_connected(platform, call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/accounts`, newest first."""
    connected = (wire for key, wire in platform.accounts.items() if key not in platform.deauthorized)
    return call.page(connected, "/v1/accounts")


def create_link(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/account_links`: a page of the emulator that onboards whoever opens it."""
    parameters = call.parameters
    account_id = read_text(parameters, "account")
    find_connected(platform, account_id, param="account")
    kind = read_text(parameters, "type")
    if kind not in ("account_onboarding", "account_update"):
        raise invalid_parameter("type", f"Invalid account link type: {kind}")
    read_text(parameters, "refresh_url")
    return_url = read_text(parameters, "return_url")
    token = platform.mint("link", account_id)
    platform.onboarding[token] = (account_id, return_url)
    return {
        "object": "account_link",
        "created": platform.now_s,
        "expires_at": platform.now_s + _LINK_LIFE_S,
        "url": f"{call.base_url}/_emulator/onboarding/{token}",
    }


def onboard(platform: Platform, token: str) -> str:
    """Make the account of an onboarding link able to be paid; return where its person goes next."""
    account_id, return_url = platform.onboarding[token]
    change_status(platform, account_id, transfers="active")
    return return_url
