"""What the ledger has kept of other files is found without reading the ledger through."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import orjson

from cutline.storage.anchors import LedgerAnchors, anchors_query
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_writer

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)


def test_anchors_are_found_by_the_index_of_keys_and_are_those_of_one_file(tmp_path: Path) -> None:
    """Whoever opens a file asks for its anchors, and waits for everybody who asks at the same moment."""
    path = tmp_path / "ledger.db"
    with contextlib.closing(open_writer(path, KINDS["ledger"], create=True, now=NOW)) as writer:
        log = EventLog(writer, KINDS["ledger"])
        log.begin()
        for address, seq in (("contest/a", 3), ("contest/a", 7), ("contest/b", 3)):
            payload = orjson.dumps({"seq": seq, "hash": bytes([seq]).hex()}).decode()
            log.append(type="AnchorRecorded", key=f"anchor:{address}:{seq}", at=NOW, cause="test", payload=payload)
        log.append(type="TransactionPosted", key="anchor:contest/a:9", at=NOW, cause="test", payload="{}")
        log.commit()
        [(_, _, _, plan)] = writer.execute(f"EXPLAIN QUERY PLAN {anchors_query()}", ("a", "b")).fetchall()
        assert plan.startswith("SEARCH log USING INDEX log_key_idx")
    with contextlib.closing(LedgerAnchors(path)) as anchors:
        assert anchors.of("contest/a") == {3: b"\x03", 7: b"\x07"}
        assert anchors.of("contest/c") == {}
