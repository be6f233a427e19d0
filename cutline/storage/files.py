"""Where each file lies under the data root, and who owns the root; it must not look into any database itself."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cutline.storage.durable import FILE_MODE, make_directory, sync_directory, write_whole
from cutline.storage.epochs import highest_epoch
from cutline.storage.errors import Corrupt, DataRootLocked, WrongFile, classify
from cutline.storage.kinds import KINDS, FileKind

__all__ = ["CORE", "KINDS", "DataRoot", "FileKind", "RootLock", "kind_of"]

CORE = ("ledger", "payouts", "payments", "governance")
_FOLDERS = {"contest": "contests", "feed": "feeds"}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def kind_of(address: str) -> FileKind:
    """Return the kind of the file at an address. Raises ValueError for an address that names no file."""
    name, slash, identifier = address.partition("/")
    if name in CORE and not slash:
        return KINDS[name]
    if name in _FOLDERS and _ID.fullmatch(identifier):
        return KINDS[name]
    raise ValueError(f"no file has the address {address!r}")


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder, in order; nothing where there is none. Raises NoAccess: what is hidden may matter."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise classify(error) from error


class RootLock:
    """Proof that this process is the one engine of a data root. Use as a context, or `release` it.

    `boot_epoch` counts the engines that this root has had; a higher one proves that all before it are dead.
    """

    def __init__(self, handle: int, boot_epoch: int) -> None:
        self._handle: int | None = handle
        self.boot_epoch = boot_epoch

    def release(self) -> None:
        """Let the next engine in. The kernel does the same when the process dies."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class DataRoot:
    """The directory that holds everything an engine knows."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def path_of(self, address: str) -> Path:
        """Return where the file of an address lies.

        Raises ValueError for an id that could leave its folder.
        """
        kind = kind_of(address)
        if kind.name in CORE:
            return self.path / "core" / f"{kind.name}.db"
        identifier = address.partition("/")[2]
        if kind.name == "feed":
            return self.path / "feeds" / f"{identifier}.db"
        shard = hashlib.sha256(identifier.encode()).hexdigest()[:2]
        return self.path / "contests" / shard / f"{identifier}.db"

    @property
    def is_restored(self) -> bool:
        """Whether the files came from a replica, and what Stripe did since then is not known to be in them yet."""
        return self._restored_mark.exists()

    def forget_restore(self) -> None:
        """Remember, durably, that the files have caught up with Stripe."""
        self._restored_mark.unlink(missing_ok=True)
        sync_directory(self.path)

    @property
    def _restored_mark(self) -> Path:
        return self.path / "restored"

    def contest_paths(self) -> Iterator[tuple[str, Path]]:
        """Yield the address and path of every contest file, in order of path. Raises NoAccess."""
        for shard in _listed(self.path / "contests"):
            yield from self._in_folder("contest", shard)

    def all_files(self) -> Iterator[tuple[str, Path]]:
        """Yield the address and path of every file that exists: core, then feeds, then contests. Raises NoAccess."""
        for address in CORE:
            path = self.path_of(address)
            if path.exists():
                yield address, path
        yield from self._in_folder("feed", self.path / "feeds")
        yield from self.contest_paths()

    def strays(self) -> Iterator[Path]:
        """Yield every database that lies where no address leads, such as a contest in a wrong shard."""
        placed = {path for _, path in self.all_files()}
        for folder in ("core", "feeds", "contests"):
            yield from (path for path in sorted((self.path / folder).rglob("*.db")) if path not in placed)

    def _in_folder(self, kind: str, folder: Path) -> Iterator[tuple[str, Path]]:
        for path in _listed(folder):
            address = f"{kind}/{path.stem}"
            if path.suffix == ".db" and _ID.fullmatch(path.stem) and self.path_of(address) == path:
                yield address, path

    def lock(self) -> RootLock:
        """Become the one engine of this root and start the next boot epoch, flushed to disk.

        Raises DataRootLocked, naming the process, while another engine runs; Corrupt when the epoch is
        unreadable.
        """
        try:
            if self.path.exists() and not self.path.is_dir():
                raise WrongFile(f"{self.path} is not a folder")
            make_directory(self.path)
            handle = os.open(
                self.path / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE
            )
        except OSError as error:
            raise classify(error) from error
        try:
            self._seize(handle)
            return RootLock(handle, self._next_epoch())
        except OSError as error:
            os.close(handle)
            raise classify(error) from error
        except BaseException:
            os.close(handle)
            raise

    def _seize(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise DataRootLocked(f"{self.path} belongs to the running engine of process {owner}") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)

    def _next_epoch(self) -> int:
        path = self.path / "boot_epoch"
        known = path.exists()
        last = self._noted_epoch(path) if known else self._restored_epoch()
        if last and not known:
            # The counter is not replicated. The mark goes first: a crash between the two must not forget the restore.
            write_whole(self._restored_mark, b"")
        epoch = 1 + last
        write_whole(path, f"{epoch}\n".encode("ascii"))
        return epoch

    def _noted_epoch(self, path: Path) -> int:
        last = path.read_text("ascii", "replace").strip()
        if not re.fullmatch(r"[0-9]{1,18}", last):
            raise Corrupt(f"{path} does not hold a number")
        return int(last)

    def _restored_epoch(self) -> int:
        """Return where the counter stood by what the files say; it is lost when a root is restored."""
        return highest_epoch((path, kind_of(address)) for address, path in self.all_files())
