"""What becomes of a newly published configuration in one contest, as facts in its file; logic-free."""

from __future__ import annotations

from msgspec import Struct

from cutline.engine.errors import RejectCode


class ContestConfigChanged(Struct, frozen=True, kw_only=True):
    """From now on the contest plays by this published version. `watch_attempt` is set when the first tee has moved."""

    version: int
    config_json: str
    config_sha256: str
    watch_attempt: int | None = None

    @property
    def key(self) -> str:
        """A version is judged once."""
        return f"config:{self.version}"


class ConfigChangeRefused(Struct, frozen=True, kw_only=True):
    """The contest keeps the configuration that it has; `paths` are the keys that may not change (LIFE-018)."""

    version: int
    config_sha256: str
    code: RejectCode
    paths: tuple[str, ...]

    @property
    def key(self) -> str:
        """A version is judged once."""
        return f"config:{self.version}"
