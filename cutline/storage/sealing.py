"""Seals personal data with a key of its month: destroying a month's keys forgets it and breaks no chain.

Keys lie in `keys/<month>.<id>.key` under the data root, mode 0600, and are never replicated beside what they open. A
sealed body names its key, so that a box restored without its keys makes new ones and mistakes no body for altered.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cutline.storage.durable import make_directory, sync_directory, write_whole
from cutline.storage.errors import Corrupt, FileMissing

_ID_BYTES = 4
_NONCE_BYTES = 12
_COUNTER_BYTES = 4
"""A nonce is a random prefix of this sealer and a count: unique under a key for four thousand million bodies."""
_KEY_BITS = 256


class KeyDestroyed(FileMissing):
    """The key that would open a body does not exist here: its month was forgotten, or the keys were not restored."""


class Sealer:
    """Seals and opens bytes with AES-256-GCM. Not thread-safe: it belongs to one writer."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "keys"
        self._sealing: dict[tuple[int, int], tuple[bytes, AESGCM]] = {}
        self._opening: dict[tuple[str, bytes], AESGCM] = {}
        self._nonce_prefix = os.urandom(_NONCE_BYTES - _COUNTER_BYTES)
        self._sealed = 0

    def seal(self, plain: bytes, at: datetime) -> bytes:
        """Return key id, nonce and ciphertext of `plain` under a key of the month of `at`, made when there is none."""
        month = (at.year, at.month)
        known = self._sealing.get(month)
        if known is None:
            known = self._sealing[month] = self._key_for_sealing(f"{at.year:04d}-{at.month:02d}")
        key_id, cipher = known
        self._sealed += 1
        nonce = self._nonce_prefix + self._sealed.to_bytes(_COUNTER_BYTES, "big")
        return key_id + nonce + cipher.encrypt(nonce, plain, None)

    def open(self, sealed: bytes, month: str) -> bytes:
        """Return what was sealed in `month` (YYYY-MM). Raises KeyDestroyed, or Corrupt when the body was altered."""
        key_id, nonce = sealed[:_ID_BYTES], sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        cipher = self._opening.get((month, key_id))
        if cipher is None:
            path = self._path(month, key_id)
            if not path.exists():
                raise KeyDestroyed(f"{path}: no such key; what it sealed cannot be read any more")
            cipher = self._opening[month, key_id] = AESGCM(path.read_bytes())
        try:
            return cipher.decrypt(nonce, sealed[_ID_BYTES + _NONCE_BYTES :], None)
        except InvalidTag:
            raise Corrupt(f"a body sealed in {month} was altered") from None

    def _path(self, month: str, key_id: bytes) -> Path:
        return self._folder / f"{month}.{key_id.hex()}.key"

    def _key_for_sealing(self, month: str) -> tuple[bytes, AESGCM]:
        existing = sorted(self._folder.glob(f"{month}.*.key"))
        if existing:
            return bytes.fromhex(existing[-1].suffixes[0][1:]), AESGCM(existing[-1].read_bytes())
        key_id, key = os.urandom(_ID_BYTES), AESGCM.generate_key(_KEY_BITS)
        make_directory(self._folder)
        write_whole(self._path(month, key_id), key)
        return key_id, AESGCM(key)


def destroy_keys(root: Path, month: str) -> list[str]:
    """Destroy every key of a month (YYYY-MM) for good and return their names; nothing sealed with them opens again.

    Each is overwritten before its name goes. A disk that writes elsewhere than it is told may keep a trace of it:
    keys belong on an encrypted one.
    """
    folder = root / "keys"
    destroyed = []
    for path in sorted(folder.glob(f"{month}.*.key")):
        with path.open("r+b") as key:
            key.write(os.urandom(path.stat().st_size))
            key.flush()
            os.fsync(key.fileno())
        path.unlink()
        destroyed.append(path.name)
    if destroyed:
        sync_directory(folder)
    return destroyed
