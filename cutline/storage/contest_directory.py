"""What governance's file says of contests, read before any actor runs; it must not write."""

from __future__ import annotations

import contextlib
from pathlib import Path

from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

_CREATED = "SELECT DISTINCT contest_id FROM contest_directory WHERE fact = 'created' ORDER BY contest_id"


def created_contests(governance: Path) -> list[str]:
    """Return the ids of the contests whose files must exist (design: only then is a missing file a fault).

    Raises what `open_reader` raises.
    """
    with contextlib.closing(open_reader(governance, KINDS["governance"])) as connection:
        return [contest_id for (contest_id,) in connection.execute(_CREATED)]
