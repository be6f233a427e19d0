"""`restore`: a data root from its replica alone, and what to know before it is served. It starts no engine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line, print_table

if TYPE_CHECKING:
    from cutline.storage.litestream.restore import Restoration
    from cutline.storage.restored import LookBack


def restore(
    replica: Annotated[str, typer.Option("--replica", metavar="URL", help="Where the copies lie: file:///…")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="An empty or absent folder.")],
    as_json: AsJson = False,
) -> None:
    """Restore a data root from its replica alone, and list the money that was under way."""
    from cutline.storage.litestream.restore import RestoreError
    from cutline.storage.litestream.restore import restore as bring_back
    from cutline.storage.restored import look_back

    try:
        restored = bring_back(replica, data)
    except RestoreError as error:
        raise CommandFailed(str(error), "Name a replica that exists and a folder that is empty.") from error
    document = _document(data, restored, look_back(data))
    if as_json:
        print_json(document)
    else:
        _show(document)


def _document(data: Path, restored: Restoration, back: LookBack) -> dict[str, Any]:
    from cutline.storage.files import DataRoot

    root = DataRoot(data)
    commits = {
        PurePosixPath(root.path_of(address).relative_to(data).as_posix()): at
        for address, at in back.last_commits.items()
    }
    return {
        "ok": True,
        "data": str(data),
        "files": [
            {
                "path": str(file.path),
                "txid": file.txid,
                "last_commit_at": commits[file.path].isoformat() if file.path in commits else None,
            }
            for file in restored.files
        ],
        "never_replicated": [str(path) for path in restored.never_replicated],
        "last_commit_at": max(commits.values()).isoformat() if commits else None,
        "money_under_way": [
            {
                "subject": call.subject,
                "operation": call.operation,
                "attempt": call.attempt,
                "amount_cents": call.amount_cents,
                "started_at": call.started_at.isoformat(),
            }
            for call in back.calls
        ],
    }


def _show(document: dict[str, Any]) -> None:
    data = document["data"]
    rows = [(file["path"], file["txid"], file["last_commit_at"]) for file in document["files"]]
    print_table(f"Restored into {data}", ("file", "transaction>", "last commit"), rows)
    for path in document["never_replicated"]:
        print_line(f"warning: the replica knows {path} but holds no data of it")
    if document["money_under_way"]:
        calls = [(c["subject"], c["amount_cents"], c["attempt"], c["started_at"]) for c in document["money_under_way"]]
        print_table(
            "Under way to Stripe, perhaps made already", ("movement", "cents>", "attempt>", "attempt began"), calls
        )
    print_line(f"Nothing after {document['last_commit_at']} is in these files; Stripe may know more.")
    print_line(f"Next: cutline verify {data}")
