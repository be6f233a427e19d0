"""Check that every file that must exist does, lies under its own name, and has not lost its end; it opens none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cutline.engine.ledger.events import AnchorRecorded
from cutline.engine.payout.bank_events import PayoutInitiated
from cutline.engine.payout.events import FundsLocked
from cutline.storage.files import CORE, DataRoot, kind_of
from cutline.storage.verify.file_check import CheckedFile
from cutline.storage.verify.report import Code, Problem

Files = Mapping[str, CheckedFile]
_LEDGER: Final = "ledger"


def check_presence(files: Files, root: DataRoot) -> Iterator[Problem]:
    """Yield the files that are missing, swapped, stray or cut short."""
    yield from _check_missing(files, root)
    for checked in files.values():
        yield from _check_name(checked)
        yield from _check_feed_heads(checked, files)
    yield from _check_anchors(files)
    yield from _check_ledger_heads(files)
    for path in root.strays():
        name = str(path.relative_to(root.path))
        yield Problem(code=Code.FILE_STRAY, file=name, where="the file", message="no address leads to this file")


def _check_missing(files: Files, root: DataRoot) -> Iterator[Problem]:
    known: dict[str, str] = dict.fromkeys(CORE, "an engine makes it first") if files else {}
    for checked in files.values():
        for owed in checked.delivered:
            known.setdefault(owed.to, f"{checked.name} knows that it took the message {owed.key}")
    governance = files.get("governance")
    if governance is not None and governance.folding is not None:
        for contest_id, listed in governance.state.contests.items():
            if listed.created_at is not None:
                known[f"contest/{contest_id}"] = f"governance knows it since {listed.created_at.isoformat()}"
    for recorded in _anchors(files):
        known.setdefault(recorded.address, f"the ledger holds an anchor at its row {recorded.seq}")
    for address, why in sorted(known.items()):
        if address not in files and _is_address(address):
            name = str(root.path_of(address).relative_to(root.path))
            yield Problem(code=Code.FILE_MISSING, file=name, where="the file", message=f"it must exist: {why}")


def _is_address(address: str) -> bool:
    try:
        kind_of(address)
    except ValueError:
        return False
    return True


def _check_name(checked: CheckedFile) -> Iterator[Problem]:
    identifier = checked.address.partition("/")[2]
    inside = None if checked.folding is None else checked.folding.identity
    if inside is not None and inside != identifier:
        message = f"the file lies where {identifier} belongs, and holds {inside}"
        yield Problem(code=Code.FILE_SWAPPED, file=checked.name, where="the file", message=message)


def _check_anchors(files: Files) -> Iterator[Problem]:
    """Compare what the ledger has kept of other files' chains with the chains (design: a cut tail or swap shows)."""
    for anchor in _anchors(files):
        checked = files.get(anchor.address)
        if checked is None or checked.folding is None:
            continue
        found = checked.hashes.get(anchor.seq)
        where = f"log seq={anchor.seq}"
        if found is None and anchor.seq > checked.events:
            message = f"the log ends at {checked.events}; the ledger has seen row {anchor.seq} ({anchor.reason})"
            yield Problem(code=Code.CUT_TAIL, file=checked.name, where=where, message=message)
        elif found is None or found.hex() != anchor.hash:
            message = f"the ledger knows this row as {anchor.hash} ({anchor.reason})"
            yield Problem(code=Code.ANCHOR_MISMATCH, file=checked.name, where=where, message=message)


def _check_feed_heads(checked: CheckedFile, files: Files) -> Iterator[Problem]:
    """Look for every hash that a contest was given in the chain of its feed."""
    contest = None if checked.state is None or not checked.heads else checked.state.contest
    feed = None if contest is None else files.get(f"feed/{contest.created.provider_event_id}")
    if feed is None or feed.folding is None:
        return
    known = {digest.hex() for digest in feed.hashes.values()}
    for head, seq in checked.heads.items():
        if head not in known:
            message = f"{checked.name} was sent changes up to the hash {head} (its row {seq}), which is not in this log"
            yield Problem(code=Code.CUT_TAIL, file=feed.name, where=f"hash {head[:16]}", message=message)


def _check_ledger_heads(files: Files) -> Iterator[Problem]:
    """Look for the hash that the ledger gave with every lock in its chain: it has gone out with the money."""
    ledger, payouts = files.get(_LEDGER), files.get("payouts")
    if ledger is None or ledger.folding is None or payouts is None:
        return
    known = {digest.hex() for digest in ledger.hashes.values()}
    for recorded in payouts.kept:
        event = recorded.event
        if isinstance(event, FundsLocked | PayoutInitiated) and event.head not in known:
            message = f"{payouts.name} holds the hash {event.head} (its row {recorded.seq}), which is not in this log"
            where = f"hash {event.head[:16]}"
            yield Problem(code=Code.CUT_TAIL, file=ledger.name, where=where, message=message)


def _anchors(files: Files) -> Iterator[AnchorRecorded]:
    ledger = files.get(_LEDGER)
    if ledger is not None:
        yield from (kept.event for kept in ledger.kept if isinstance(kept.event, AnchorRecorded))
