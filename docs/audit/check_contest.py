"""Checks a contest's audit file with nothing but Python's standard library: `python -I check_contest.py FILE`.

It trusts no figure of the file that it can compute: the chain of the log, the anchors that the ledger keeps outside the
contest, the balance of every transaction, and that each winner was credited and sent what the contest settled, once.
It says what it found, and ends with 0 if all holds, with 1 if something does not, and with 2 if there is no such file.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

GENESIS = bytes(32)
FORMAT, VERSION = "cutline-contest-audit", 1


def check_chain(log):
    """Yield what is wrong with the log: each row is hashed with the hash before it."""
    previous, last_at = GENESIS, ""
    for number, (seq, kind, key, at, cause, payload, said) in enumerate(log, start=1):
        if seq != number:
            yield f"log row {number} has the number {seq}"
        if at < last_at:
            yield f"log row {seq} lies before the row that it follows"
        row = json.dumps([seq, kind, key, at, cause, payload], ensure_ascii=False, separators=(",", ":"))
        if hashlib.sha256(previous + row.encode()).hexdigest() != said:
            yield f"log row {seq} ({kind}) is not what was hashed"
        previous, last_at = bytes.fromhex(said), at


def check_anchors(log, anchors):
    """Yield where the log is not the one that the ledger has anchored."""
    hashes = {row[0]: row[6] for row in log}
    for seq, anchored, reason in anchors:
        if hashes.get(seq) != anchored:
            yield f"the ledger anchored another row {seq} ({reason})"


def check_transactions(ledger):
    """Yield which transactions are not balanced or are booked twice."""
    effects = Counter(one["effect_key"] for one in ledger)
    yield from (f"{effect} is booked {count} times" for effect, count in effects.items() if count > 1)
    for one in ledger:
        off = sum(cents for _, cents in one["legs"])
        if off:
            yield f"{one['effect_key']} is {off} cents out of balance"


def settled_in(log):
    """Return the settlement as the contest recorded it, or None."""
    found = [json.loads(row[5]) for row in log if row[1] == "SettlementRecorded"]
    return found[0] if found else None


def check_settlement(contest_id, settled, ledger):
    """Yield where the books did not divide the pot as the contest settled it."""
    posted = [one for one in ledger if one["kind"] == "settlement"]
    if settled is None:
        yield from (f"{one['effect_key']} is booked, but the contest is not settled" for one in posted)
        return
    prizes = {row["entry_id"]: (row["account_did"], row["prize_cents"]) for row in settled["entries"]}
    won = {entry: prize for entry, prize in prizes.items() if prize[1]}
    divided = sum(cents for _, cents in won.values()) + settled["rake_cents"]
    if divided != settled["pot_cents"]:
        yield f"prizes and rake are {divided} cents, the pot is {settled['pot_cents']}"
    if len(posted) != (1 if settled["pot_cents"] else 0):
        yield f"the settlement is booked {len(posted)} times"
    for one in posted:
        yield from check_prizes(contest_id, settled, won, one)


def check_prizes(contest_id, settled, won, posted):
    """Yield where the one posting of a settlement differs from the result."""
    wanted = Counter({f"pot:{contest_id}": settled["pot_cents"]})
    for account_did, cents in won.values():
        wanted[f"user:{account_did}:available"] -= cents
    if settled["rake_cents"]:
        wanted["income:rake"] -= settled["rake_cents"]
    found = Counter()
    for account, cents in posted["legs"]:
        found[account] += cents
    for account in sorted(wanted.keys() | found.keys()):
        if wanted[account] != found[account]:
            yield f"{account} got {-found[account]} cents by the settlement, not {-wanted[account]}"
    if posted["content"].get("result_sha256") != settled["result_sha256"]:
        yield "the books name another result"


def check_fees(contest_id, settled, ledger):
    """Yield whether the pot that was divided is not the fees that were put into it."""
    if settled is None:
        return
    fees = -sum(
        cents
        for one in ledger
        if one["kind"] in ("entry_activated", "entry_returned")
        for account, cents in one["legs"]
        if account == f"pot:{contest_id}"
    )
    if fees != settled["pot_cents"]:
        yield f"fees of {fees} cents were put into a pot of {settled['pot_cents']}"


def check_transfers(contest_id, settled, ledger, transfers):
    """Yield which winner was not sent their prize, or something else, or more than once (three ways to the cent)."""
    won = {} if settled is None else {row["entry_id"]: row for row in settled["entries"] if row["prize_cents"]}
    counts = Counter(one["entry_id"] for one in transfers)
    yield from (f"{entry} has {count} transfers" for entry, count in counts.items() if count > 1)
    for one in transfers:
        prize = won.get(one["entry_id"])
        if prize is None or (prize["account_did"], prize["prize_cents"]) != (one["account_did"], one["amount_cents"]):
            yield f"the transfer of {one['entry_id']} is not its prize"
    done = {one["entry_id"]: one for one in transfers if one["stripe_transfer_id"] is not None}
    booked = {one["effect_key"]: one for one in ledger if one["kind"] == "transfer_completed"}
    for entry, one in done.items():
        posting = booked.pop(f"payout:transfer:{contest_id}:{entry}:completed", None)
        if posting is None:
            yield f"the transfer of {entry} is made and not booked"
            continue
        sent = sum(cents for account, cents in posting["legs"] if account == "stripe:platform")
        if -sent != one["amount_cents"] or posting["content"].get("stripe_transfer_id") != one["stripe_transfer_id"]:
            yield f"the transfer of {entry} is booked as another one"
    yield from (f"{effect} is booked, but no such transfer was made" for effect in sorted(booked))


def check(audit):
    """Return everything that is wrong with an audit file, as lines of text."""
    if (audit.get("format"), audit.get("version")) != (FORMAT, VERSION):
        return [f"this is no {FORMAT} of version {VERSION}"]
    contest_id, log, ledger = audit["contest_id"], audit["log"], audit["ledger"]
    settled = settled_in(log)
    return [
        *check_chain(log),
        *check_anchors(log, audit["anchors"]),
        *check_transactions(ledger),
        *check_settlement(contest_id, settled, ledger),
        *check_fees(contest_id, settled, ledger),
        *check_transfers(contest_id, settled, ledger, audit["transfers"]),
    ]


def main(arguments):
    """Check the named file, say what was found, and return the exit code."""
    if len(arguments) != 1:
        print("usage: python -I check_contest.py FILE", file=sys.stderr)
        return 2
    try:
        audit = json.loads(Path(arguments[0]).read_text("utf-8"))
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    problems = check(audit)
    for problem in problems:
        print(f"problem: {problem}")
    if not problems:
        settled = settled_in(audit["log"])
        outcome = "not settled" if settled is None else f"settled, {settled['pot_cents']} cents divided"
        print(f"ok: {audit['contest_id']} ({len(audit['log'])} log rows, {outcome})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
