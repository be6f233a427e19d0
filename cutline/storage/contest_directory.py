"""What governance's file says of contests, read before any actor runs; it must not write."""

from __future__ import annotations

import contextlib
from pathlib import Path

from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

_CREATED = "SELECT DISTINCT contest_id FROM contest_directory WHERE fact = 'created' ORDER BY contest_id"
_QUARANTINED = """
SELECT d.contest_id, log.payload ->> 'reason'
FROM contest_directory AS d JOIN log ON log.seq = d.log_seq
WHERE d.fact = 'quarantined' AND NOT EXISTS (
  SELECT 1 FROM contest_directory AS later
  WHERE later.contest_id = d.contest_id AND later.id > d.id AND later.fact = 'released')
ORDER BY d.contest_id"""


def created_contests(governance: Path) -> list[str]:
    """Return the ids of the contests whose files must exist (design: only then is a missing file a fault).

    Raises what `open_reader` raises.
    """
    with contextlib.closing(open_reader(governance, KINDS["governance"])) as connection:
        return [contest_id for (contest_id,) in connection.execute(_CREATED)]


def quarantined_contests(governance: Path) -> dict[str, str]:
    """Return the contests that are kept closed until somebody releases them, each with the reason.

    Raises what `open_reader` raises.
    """
    with contextlib.closing(open_reader(governance, KINDS["governance"])) as connection:
        return dict(connection.execute(_QUARANTINED).fetchall())
