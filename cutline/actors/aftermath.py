"""What a batch does once it is committed; gathered while it is decided, so that nothing leaves before its cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cutline.actors.mailbox import Envelope, Mailbox, Replies
from cutline.engine.decision import Address


@dataclass(slots=True)
class Aftermath:
    """Answers, messages and effects of one batch, and the typed rows that go into its commit."""

    replies: Replies = field(default_factory=list)
    sends: list[tuple[Address, Envelope]] = field(default_factory=list)
    effects: list[tuple[Any, str]] = field(default_factory=list)
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    release: Callable[[Mailbox], bool] | None = None
