"""Pack the rosters of a contest once it is locked, so that nobody has to gather them again. It judges no entry.

Nobody enters, pays or leaves after the lock, so what is packed then is what is scored after every poll and settled in
the end. The packed bytes lie beside the log, their hash in it.
"""

from __future__ import annotations

from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.events import EntryStatus, RostersFrozen
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest
from cutline.engine.scoring.rosters import Rosters
from cutline.engine.scoring.standings import Entry

LOCKED_ON = frozenset({Status.LOCKED, Status.LIVE, Status.COMPLETE})
"""The statuses in which no entry can change."""


def active_entries(contest: Contest) -> tuple[Entry, ...]:
    """Return the entries that play, in order of entering."""
    active = (entry for entry in contest.seats.entries.values() if entry.status is EntryStatus.ACTIVE)
    return tuple(Entry(entry_id=entry.entry_id, picks=entry.picks, tiebreak=entry.tiebreak) for entry in active)


def freeze(contest: Contest, status: Status) -> tuple[RostersFrozen, bytes] | None:
    """Return the event and the packed rosters where `status` is the first one that allows it, else None."""
    return pack(contest) if status in LOCKED_ON and contest.frozen is None else None


def pack(contest: Contest) -> tuple[RostersFrozen, bytes]:
    """Return the entries that play, packed, and the event that says so."""
    rosters = Rosters.of(active_entries(contest), contest.config.roster.size)
    packed = rosters.pack()
    event = RostersFrozen(
        contest_id=contest.contest_id, entries=len(rosters.entry_ids), sha256=sha256_hex(packed), size=len(packed)
    )
    return event, packed
