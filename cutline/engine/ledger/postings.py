"""Every way in which money moves, one pure function a row of the table; it judges no balance.

A draft names its effect (what happened, once) and its legs; a leg is (account, cents) with debits above zero.
Each function is balanced by construction: it is made of moves from a debited to a credited account.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger import accounts
from cutline.engine.messages import Prize

Legs = tuple[tuple[str, int], ...]


class Draft(Struct, frozen=True):
    """A transaction not judged against balances yet. `hold_source` names what an H leg is kept for."""

    effect_key: str
    kind: str
    currency: str
    legs: Legs
    hold_source: str | None = None


def transfer_key(contest_id: str, entry_id: str) -> str:
    """Name the one transfer of a winning entry; no score version in it, so no scoring can pay twice."""
    return f"payout:transfer:{contest_id}:{entry_id}"


# Money in -----------------------------------------------------------------------------------------


def payment(payment_intent: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a payment that belongs to an account holder and to no entry."""
    effect = f"pi:{payment_intent}:succeeded"
    return _draft("payment", effect, currency, (accounts.PLATFORM, accounts.available(account_did), cents))


def entry_payment(payment_intent: str, account_did: str, contest_id: str, cents: int, currency: str) -> Draft:
    """Book a payment for an entry: to its holder and on to the contest's escrow, in one transaction."""
    holder = accounts.available(account_did)
    return _draft(
        "entry_payment",
        f"pi:{payment_intent}:succeeded",
        currency,
        (accounts.PLATFORM, holder, cents),
        (holder, accounts.escrow(contest_id), cents),
    )


def suspended_payment(payment_intent: str, cents: int, currency: str) -> Draft:
    """Book a payment whose amount, currency or owner is not as asked for; nobody is credited (PAY-032)."""
    effect = f"pi:{payment_intent}:succeeded"
    return _draft("suspended_payment", effect, currency, (accounts.PLATFORM, accounts.SUSPENSE, cents))


def stripe_fee(balance_transaction: str, fee_cents: int, currency: str) -> Draft:
    """Book what Stripe kept of one balance transaction; below zero it is given back."""
    fee = (accounts.STRIPE_FEES, accounts.PLATFORM)
    debit, credit = fee if fee_cents > 0 else fee[::-1]
    return _draft("stripe_fee", f"btxn:{balance_transaction}:fee", currency, (debit, credit, abs(fee_cents)))


def top_up(balance_transaction: str, cents: int, currency: str) -> Draft:
    """Book money that the owner added to the platform's balance at Stripe."""
    effect = f"btxn:{balance_transaction}"
    return _draft("top_up", effect, currency, (accounts.PLATFORM, accounts.CAPITAL, cents))


def outside_ingest(effect_key: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a settlement that an outside service reports under its own effect key (LED-001)."""
    move = (accounts.PROVIDER, accounts.available(account_did), cents)
    return _draft("outside_ingest", effect_key, currency, move)


# Entry fees ---------------------------------------------------------------------------------------


def entry_activated(contest_id: str, entry_id: str, cents: int, currency: str) -> Draft:
    """Move the fee of an entry that plays from escrow to the pot."""
    move = (accounts.escrow(contest_id), accounts.pot(contest_id), cents)
    return _draft("entry_activated", f"entry:{contest_id}:{entry_id}:activated", currency, move)


def entry_refused(contest_id: str, entry_id: str, cents: int, currency: str, *, further: str | None = None) -> Draft:
    """Move the fee of an entry that came too late or found no seat from escrow to what goes back.

    `further` names the payment intent where another payment for the same entry has been refused before.
    """
    move = (accounts.escrow(contest_id), accounts.refunds(contest_id), cents)
    effect = f"entry:{contest_id}:{entry_id}:refused"
    return _draft("entry_refused", effect if further is None else f"{effect}:{further}", currency, move)


def entry_returned(contest_id: str, entry_id: str, cents: int, currency: str) -> Draft:
    """Move the fee of a withdrawn entry or a cancelled contest from the pot to what goes back."""
    move = (accounts.pot(contest_id), accounts.refunds(contest_id), cents)
    return _draft("entry_returned", f"entry:{contest_id}:{entry_id}:returned", currency, move)


def refund_succeeded(refund_id: str, source: str, cents: int, currency: str) -> Draft:
    """Book a refund that Stripe made, out of `source`: the contest's refunds or suspense (PAY-042)."""
    effect = f"refund:{refund_id}:succeeded"
    return _draft("refund_succeeded", effect, currency, (source, accounts.PLATFORM, cents))


def refund_failed(refund_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a refund that came back after it had succeeded; the money is the account holder's."""
    move = (accounts.PLATFORM, accounts.available(account_did), cents)
    return _draft("refund_failed", f"refund:{refund_id}:failed", currency, move)


def refund_refused(
    payment_intent: str, contest_id: str, account_did: str, owed_cents: int, cents: int, currency: str
) -> Draft:
    """Book that Stripe made no refund: what is due pays `owed_cents` of its holder's debt, the rest is the holder's."""
    source = accounts.refunds(contest_id)
    moves = [
        (source, accounts.receivable(account_did), owed_cents),
        (source, accounts.available(account_did), cents - owed_cents),
    ]
    effect = f"refund:{payment_intent}:refused"
    return _draft("refund_refused", effect, currency, *(move for move in moves if move[2]))


def refund_outside(refund_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a refund that we did not ask for: the holder owes it, for the entry plays on."""
    move = (accounts.receivable(account_did), accounts.PLATFORM, cents)
    return _draft("refund_outside", f"refund:{refund_id}:succeeded", currency, move)


# Winnings -----------------------------------------------------------------------------------------


def settlement(contest_id: str, prizes: Iterable[Prize], rake_cents: int, currency: str) -> Draft:
    """Divide a contest's pot into the winners' money and the rake, once for each contest."""
    legs = [(accounts.available(prize.account_did), -prize.amount_cents) for prize in prizes if prize.amount_cents]
    if rake_cents:
        legs.append((accounts.RAKE, -rake_cents))
    if not legs or any(cents >= 0 for _, cents in legs):
        raise InvariantViolated(f"settlement of {contest_id}: prizes and rake must be above zero")
    total_cents = -sum(cents for _, cents in legs)
    return Draft(
        effect_key=f"settlement:{contest_id}",
        kind="settlement",
        currency=currency,
        legs=((accounts.pot(contest_id), total_cents), *legs),
    )


def transfer_locked(contest_id: str, entry_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Hold an entry's winnings before Stripe is called (LED-004)."""
    key = transfer_key(contest_id, entry_id)
    return _hold("transfer_locked", key, key, account_did, cents, currency)


def transfer_completed(contest_id: str, entry_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a transfer that Stripe made and give the hold back: the debt lasts until the bank has paid."""
    key = transfer_key(contest_id, entry_id)
    return _draft(
        "transfer_completed",
        f"{key}:completed",
        currency,
        (accounts.connected(account_did), accounts.PLATFORM, cents),
        (accounts.held(account_did), accounts.available(account_did), cents),
        hold_source=key,
    )


def transfer_failed(contest_id: str, entry_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Give the hold of a transfer that failed for good back to its holder."""
    key = transfer_key(contest_id, entry_id)
    return _release("transfer_failed", f"{key}:failed", key, account_did, cents, currency)


def transfer_reversed(reversal_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book money that came back from a connected account."""
    move = (accounts.PLATFORM, accounts.connected(account_did), cents)
    return _draft("transfer_reversed", f"reversal:{reversal_id}", currency, move)


# Payouts to the bank ------------------------------------------------------------------------------


def payout_locked(payout_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Hold what is to be paid to the bank before Stripe is called (POUT-015)."""
    key = f"payout:{payout_id}"
    return _hold("payout_locked", f"{key}:lock", key, account_did, cents, currency)


def payout_transferred(payout_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book what a connected account lacked for a payout and got from the platform; the hold stays."""
    move = (accounts.connected(account_did), accounts.PLATFORM, cents)
    return _draft("payout_transferred", f"payout:{payout_id}:transfer", currency, move)


def payout_paid(payout_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Book a payout that reached the bank: the debt ends (LED-005)."""
    key = f"payout:{payout_id}"
    return _draft(
        "payout_paid",
        f"{key}:paid",
        currency,
        (accounts.held(account_did), accounts.PAYOUTS, cents),
        (accounts.BANK, accounts.connected(account_did), cents),
        hold_source=key,
    )


def payout_failed(payout_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Give the hold of a payout that failed back to its holder (LED-006)."""
    key = f"payout:{payout_id}"
    return _release("payout_failed", f"{key}:failed", key, account_did, cents, currency)


def payout_failed_after_paid(payout_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Undo a payout that failed after it was paid: the money is in the connected account again."""
    return _draft(
        "payout_failed_after_paid",
        f"payout:{payout_id}:failed",
        currency,
        (accounts.PAYOUTS, accounts.available(account_did), cents),
        (accounts.connected(account_did), accounts.BANK, cents),
    )


def netting(entry_id: str, cents: int, currency: str) -> Draft:
    """Net what was paid out against what left the bank; below zero, more came back than was paid (NET-003)."""
    clearing = (accounts.PAYOUTS, accounts.BANK)
    debit, credit = clearing if cents > 0 else clearing[::-1]
    return _draft("netting", f"netting:entry:{entry_id}", currency, (debit, credit, abs(cents)))


# Losses -------------------------------------------------------------------------------------------


def dispute_created(dispute_id: str, cents: int, fee_cents: int, currency: str) -> Draft:
    """Book what Stripe withdrew for a dispute, and its fee if it took one."""
    moves = [(accounts.disputed(dispute_id), accounts.PLATFORM, cents)]
    if fee_cents:
        moves.append((accounts.DISPUTE_FEES, accounts.PLATFORM, fee_cents))
    return _draft("dispute_created", f"dispute:{dispute_id}:withdrawn", currency, *moves)


def loss_hold_source(loss_event_id: str) -> str:
    """Name what money is frozen for by a loss event."""
    return f"loss-event:{loss_event_id}:ledger_hold"


def loss_hold(loss_event_id: str, account_did: str, cents: int, currency: str, *, part: int = 1) -> Draft:
    """Freeze an account holder's money for a loss event (LED-021). `cents` is at most what is available.

    Later credits top the freeze up as parts 2, 3 and so on, each an effect of its own under the same source.
    """
    source = loss_hold_source(loss_event_id)
    effect = source if part == 1 else f"{source}:{part}"
    return _hold("loss_hold", effect, source, account_did, cents, currency)


def loss_hold_resolved(loss_event_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Give the money that a loss event froze back to its holder (LED-021)."""
    key = loss_hold_source(loss_event_id)
    return _release("loss_hold_resolved", f"{key}:resolve", key, account_did, cents, currency)


def dispute_won(dispute_id: str, cents: int, currency: str) -> Draft:
    """Book what Stripe gave back after a dispute was won; the freeze ends by `loss_hold_resolved`."""
    move = (accounts.PLATFORM, accounts.disputed(dispute_id), cents)
    return _draft("dispute_won", f"dispute:{dispute_id}:won", currency, move)


def dispute_lost(dispute_id: str, account_did: str, cents: int, currency: str) -> Draft:
    """Turn a lost dispute into the account holder's debt; the hold stays."""
    move = (accounts.receivable(account_did), accounts.disputed(dispute_id), cents)
    return _draft("dispute_lost", f"dispute:{dispute_id}:lost", currency, move)


def written_off(loss_event_id: str, account_did: str, held_cents: int, lost_cents: int, currency: str) -> Draft:
    """End a debt: the frozen money pays `held_cents` of it, the platform bears `lost_cents`."""
    debt = accounts.receivable(account_did)
    moves = [(accounts.held(account_did), debt, held_cents), (accounts.BAD_DEBT, debt, lost_cents)]
    return _draft(
        "written_off",
        f"loss-event:{loss_event_id}:written_off",
        currency,
        *(move for move in moves if move[2]),
        hold_source=loss_hold_source(loss_event_id) if held_cents else None,
    )


def account_closed(account_did: str, cents: int, currency: str, *, part: int = 1) -> Draft:
    """Move the money of a closed account to suspense, so that it is never lost (POUT-043).

    What the account is credited later follows as parts 2, 3 and so on, as does another currency.
    """
    move = (accounts.available(account_did), accounts.SUSPENSE, cents)
    effect = f"account:{account_did}:closed"
    return _draft("account_closed", effect if part == 1 else f"{effect}:{part}", currency, move)


def _hold(kind: str, effect: str, source: str, account_did: str, cents: int, currency: str) -> Draft:
    move = (accounts.available(account_did), accounts.held(account_did), cents)
    return _draft(kind, effect, currency, move, hold_source=source)


def _release(kind: str, effect: str, source: str, account_did: str, cents: int, currency: str) -> Draft:
    move = (accounts.held(account_did), accounts.available(account_did), cents)
    return _draft(kind, effect, currency, move, hold_source=source)


def _draft(
    kind: str, effect_key: str, currency: str, *moves: tuple[str, str, int], hold_source: str | None = None
) -> Draft:
    legs: list[tuple[str, int]] = []
    for debit, credit, cents in moves:
        if cents <= 0:
            raise InvariantViolated(f"{effect_key}: a move must be above zero cents, not {cents}")
        legs.append((debit, cents))
        legs.append((credit, -cents))
    return Draft(effect_key=effect_key, kind=kind, currency=currency, legs=tuple(legs), hold_source=hold_source)
