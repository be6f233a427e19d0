"""Tournament configs: everything that a contest's rules say, as immutable data. No rule is applied here."""

from cutline.engine.tournament.document import canonical, from_canonical, load, sha256
from cutline.engine.tournament.faults import ConfigFault, ConfigInvalid
from cutline.engine.tournament.model import Tournament
from cutline.engine.tournament.warnings import warnings_of

__all__ = [
    "ConfigFault",
    "ConfigInvalid",
    "Tournament",
    "canonical",
    "from_canonical",
    "load",
    "sha256",
    "warnings_of",
]
