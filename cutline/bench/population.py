"""A data root full of contests at rest, written as their writers would have left them; it must not run an engine."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cutline.engine import tournament
from cutline.engine.bookkeeping import DeliveriesAcknowledged, WriterOpened
from cutline.engine.contest.events import ContestCreated, EntryActivated, EntryReserved
from cutline.engine.decision import Recorded
from cutline.simulation.stage import masters_toml
from cutline.storage.event_log import EventLog
from cutline.storage.files import CORE, DataRoot, kind_of
from cutline.storage.machines import Folding, rules_of
from cutline.storage.sqlite import create_file, open_writer

_WRITERS = 16
ENTRIES = 20
"""So many paid entries in each contest."""

_RULES = rules_of("contest")


def contest_id_of(number: int) -> str:
    """Return the id of one contest of the population."""
    return f"bench-{number:05d}"


def populate(data: Path, *, contests: int, at: datetime, lock_at: datetime) -> None:
    """Fill an empty folder with a new root: the core's files, and contests written at `at` that lock at `lock_at`.

    Each contest has its entries paid, and owes nobody anything.
    """
    root = DataRoot(data)
    # A root that has been used has counted its starts; without the count, every file would be asked for it.
    root.lock().release()
    for address in CORE:
        create_file(root.path_of(address), kind_of(address), at)
    events = _events(lock_at)

    def write(number: int) -> None:
        contest_id = contest_id_of(number)
        _write(root.path_of(f"contest/{contest_id}"), [_of_contest(event, contest_id) for event in events], at)

    # Every file is flushed; flushes that are under way together share the disk's journal.
    with ThreadPoolExecutor(_WRITERS) as writers:
        for _ in writers.map(write, range(contests)):
            pass


def _events(lock_at: datetime) -> list[Any]:
    """Return the events of one contest, as its machine would have decided them."""
    config = tournament.load(masters_toml())
    tee, end = lock_at + timedelta(days=1), lock_at + timedelta(days=5)
    config = config.model_copy(
        update={
            "event": config.event.model_copy(update={"first_tee_at": tee, "ends_at": end}),
            "entry": config.entry.model_copy(update={"lock_at": lock_at}),
        }
    )
    created = ContestCreated(
        contest_id="",
        config_json=tournament.canonical(config),
        config_sha256=tournament.sha256(config),
        currency=config.currency,
        provider_event_id=config.event.provider_event_id,
        lock_at=lock_at,
        first_tee_at=tee,
    )
    events: list[Any] = [WriterOpened(boot_epoch=1, opening=1), created]
    picks = tuple(player for tier in config.roster.tiers for player in tier.players[: tier.pick])
    for number in range(ENTRIES):
        paid = {
            "contest_id": "",
            "entry_id": f"entry-{number:03d}",
            "account_did": f"did:bench:{number:03d}",
            "currency": config.currency,
        }
        fee_cents = config.entry.fee_cents
        reserved = EntryReserved(**paid, picks=picks, tiebreak=None, fee_cents=fee_cents, expires_at=lock_at)
        activated = EntryActivated(**paid, amount_cents=fee_cents, payment_intent=f"pi_{number:03d}")
        events += [reserved, activated]
    return events


def _of_contest(event: Any, contest_id: str) -> Any:
    return replace(event, contest_id=contest_id) if "contest_id" in event.__struct_fields__ else event


def _write(path: Path, events: list[Any], at: datetime) -> None:
    folding = Folding.of(_RULES)
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    with closing(open_writer(path, _RULES.kind, create=True, now=at)) as connection:
        log = EventLog(connection, _RULES.kind)
        log.begin()
        for event in events:
            recorded = _append(log, event, at)
            folding.fold(recorded)
            for table, row in _RULES.project(recorded, None):
                rows[table].append(row)
        _append(log, DeliveriesAcknowledged(first=log.seq + 1, keys=tuple(folding.owed)), at)
        for table in _RULES.kind.tables:
            if table in rows:
                log.insert(table, rows[table])
        log.commit()


def _append(log: EventLog, event: Any, at: datetime) -> Recorded:
    payload = _RULES.codec.encode(event)
    entry = log.append(type=type(event).__name__, key=event.key, at=at, cause="bench", payload=payload)
    return Recorded(seq=entry.seq, at=at, cause="bench", event=event, hash=entry.hash)
