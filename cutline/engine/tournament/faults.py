"""How a tournament config is refused: path, value, and what would be right. It does no checking itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cutline.engine.errors import RejectCode

DOCUMENT = "(document)"
MISSING = "(missing)"
SHOWN_LENGTH_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFault:
    """One thing wrong in a config: where, what stands there, and what would be right (CFG-003)."""

    path: str
    value: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}: {self.value}: {self.right}"


class ConfigInvalid(ValueError):
    """The config is refused; `faults` names everything found wrong at once."""

    code = RejectCode.CONFIG_INVALID

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


def fault(path: str, value: Any, right: str) -> ConfigFault:
    """Describe a fault, showing the value shortened."""
    return ConfigFault(path=path, value=show(value), right=right)


def show(value: Any) -> str:
    """Write a value as people would read it in the config, shortened."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif hasattr(value, "isoformat"):
        text = value.isoformat()
    else:
        text = str(value)
    return text if len(text) <= SHOWN_LENGTH_MAX else text[: SHOWN_LENGTH_MAX - 1] + "…"
