"""Tournament configs: everything that a contest's rules say, as immutable data. No rule is applied here."""

from cutline.engine.tournament.document import canonical, from_canonical, load, sha256
from cutline.engine.tournament.faults import ConfigFault, ConfigInvalid, NotSupportedYet
from cutline.engine.tournament.model import Tournament

__all__ = [
    "ConfigFault",
    "ConfigInvalid",
    "NotSupportedYet",
    "Tournament",
    "canonical",
    "from_canonical",
    "load",
    "sha256",
]
