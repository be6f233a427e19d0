"""Seals personal data with a key of its month: destroying a key forgets that month and breaks no chain.

Keys lie in `keys/<month>.key` under the data root, mode 0600, and are never replicated with the files they open.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cutline.storage.durable import make_directory, write_whole
from cutline.storage.errors import Corrupt, FileMissing

_NONCE_BYTES = 12
_KEY_BITS = 256


class Sealer:
    """Seals and opens bytes with AES-256-GCM. Not thread-safe: it belongs to one writer."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "keys"
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, plain: bytes, at: datetime) -> bytes:
        """Return nonce and ciphertext of `plain` under the key of the month of `at`, making the key if it is new."""
        month = f"{at.year:04d}-{at.month:02d}"
        cipher = self._ciphers.get(month)
        if cipher is None:
            cipher = self._ciphers[month] = self._cipher(month, create=True)
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, plain, None)

    def open(self, sealed: bytes, month: str) -> bytes:
        """Return what was sealed. Raises FileMissing when the month is forgotten, Corrupt when it was altered."""
        cipher = self._ciphers.get(month) or self._cipher(month, create=False)
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            raise Corrupt(f"a body sealed in {month} was altered, or the key of {month} is another one") from None

    def _cipher(self, month: str, *, create: bool) -> AESGCM:
        path = self._folder / f"{month}.key"
        if not path.exists():
            if not create:
                raise FileMissing(f"{path}: the key of {month} is destroyed; its bodies cannot be read any more")
            make_directory(self._folder)
            write_whole(path, AESGCM.generate_key(_KEY_BITS))
        return AESGCM(path.read_bytes())
