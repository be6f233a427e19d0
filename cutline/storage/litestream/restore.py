"""A data root built from a replica alone; it needs no configuration, and never touches an existing file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cutline.storage.litestream.config import REPLICATED_FOLDERS, litestream_binary, require_plain_url

STAGING_NAME = ".restoring"
"""Where files are restored to first. What a killed attempt leaves there is removed by the next one."""

_LTX_FOLDER = "ltx"
_FILE_SECONDS_MAX = 3600.0


class RestoreError(Exception):
    """The restore was refused or failed; the data root is as empty as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredFile:
    """One database, by its path below the data root, and the transaction id up to which it was restored."""

    path: PurePosixPath
    txid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What a restore brought back, and the files of which the replica holds a folder but no data."""

    data_root: Path
    files: tuple[RestoredFile, ...]
    never_replicated: tuple[PurePosixPath, ...]


def restore(replica_url: str, into: Path, *, workers: int = 4) -> Restoration:
    """Restore every file of a `file://` replica into an empty or absent data root (RB-008, RB-096, O3).

    The files are found by walking the replica, where each database is a folder with the database's relative
    path: there is no manifest that could disagree with it. Whether a file is missing altogether is known to
    the directory of contests in `governance.db` and to the ledger's anchors, which `cutline verify`
    compares. All files are restored and checked aside and moved in at the end, core files last, so a
    failure leaves nothing behind. Raises RestoreError if the data root has content, if the replica holds no
    database, or if any file cannot be restored.
    """
    replica = _folder_of(replica_url)
    databases = sorted(path.parent for path in replica.rglob(_LTX_FOLDER) if _is_database_copy(path, replica))
    if not databases:
        raise RestoreError(f"no database in {replica_url}")
    staging = _empty_staging(into)
    try:
        with ThreadPoolExecutor(workers) as pool:
            restored = list(pool.map(lambda source: _restore_file(source, replica, staging), databases))
        files = tuple(file for file in restored if file is not None)
        if not files:
            raise RestoreError(f"no database in {replica_url} holds any data")
        _move_in(staging, into)
        os.sync()
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    found = {PurePosixPath(source.relative_to(replica).as_posix()) for source in databases}
    return Restoration(
        data_root=into, files=files, never_replicated=tuple(sorted(found - {file.path for file in files}))
    )


def _folder_of(replica_url: str) -> Path:
    try:
        scheme, _, path = require_plain_url(replica_url).partition("://")
    except ValueError as error:
        raise RestoreError(str(error)) from error
    if scheme != "file" or not path.startswith("/"):
        raise RestoreError(f"only file:///… replicas can be walked, not {replica_url}")
    folder = Path(path)
    if not folder.is_dir():
        raise RestoreError(f"there is no replica at {replica_url}")
    return folder


def _is_database_copy(ltx: Path, replica: Path) -> bool:
    database = ltx.parent
    inside = database.relative_to(replica).parts
    return ltx.is_dir() and database.suffix == ".db" and len(inside) > 1 and inside[0] in REPLICATED_FOLDERS


def _empty_staging(into: Path) -> Path:
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    staging = into / STAGING_NAME
    content = sorted(path.name for path in into.iterdir() if path != staging)
    if content:
        raise RestoreError(f"{into} is not empty ({', '.join(content[:5])}): restore into an empty folder")
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(mode=0o700)
    return staging


def _restore_file(source: Path, replica: Path, staging: Path) -> RestoredFile | None:
    if next(source.rglob("*.ltx"), None) is None:
        return None
    relative = source.relative_to(replica)
    target = staging / relative
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [str(litestream_binary()), "restore", "-json", "-integrity-check", "quick"]
    command += ["-o", str(target), f"file://{source}"]
    try:
        # Our own program, with paths that were found by walking.
        done = subprocess.run(  # noqa: S603 - see above
            command, capture_output=True, text=True, timeout=_FILE_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RestoreError(f"{relative}: not restored within {_FILE_SECONDS_MAX:.0f} s") from error
    if done.returncode != 0:
        raise RestoreError(f"{relative}: {done.stderr.strip() or done.stdout.strip()}")
    target.chmod(0o600)
    return RestoredFile(path=PurePosixPath(relative.as_posix()), txid=int(json.loads(done.stdout)["txid"], 16))


def _move_in(staging: Path, into: Path) -> None:
    """Move the folders in, core last: without core files, nobody takes a half-filled root for a whole one."""
    for folder in sorted(staging.iterdir(), key=lambda path: (path.name == "core", path.name)):
        folder.rename(into / folder.name)
