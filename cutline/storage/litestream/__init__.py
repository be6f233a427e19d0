"""Copies of every file off the box through Litestream; it must never read or write a database itself.

`config` says what is replicated and where to, `control` speaks to Litestream's socket, `process` keeps the
program alive, `replicator` is what the engine holds, and `restore` builds a data root from a replica alone.
"""

from cutline.storage.litestream.config import CORE_FILES, files_to_replicate, write_config
from cutline.storage.litestream.control import ReplicationError
from cutline.storage.litestream.replicator import Replicator, ReplicatorHealth
from cutline.storage.litestream.restore import Restoration, RestoredFile, RestoreError, restore

__all__ = [
    "CORE_FILES",
    "ReplicationError",
    "Replicator",
    "ReplicatorHealth",
    "Restoration",
    "RestoreError",
    "RestoredFile",
    "files_to_replicate",
    "restore",
    "write_config",
]
