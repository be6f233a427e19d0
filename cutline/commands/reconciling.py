"""`reconcile`: what comparing a day with Stripe found, for people and for scripts; it compares nothing itself."""

from __future__ import annotations

from typing import Annotated

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line, print_table
from cutline.commands.talking import URL_DEFAULT, Url, ask_engine

_COLUMNS = ("kind", "subject", "currency", "Stripe's cents", "our cents", "detail")


def reconcile(
    day: Annotated[str, typer.Argument(metavar="DAY", help="A UTC day that is over, as YYYY-MM-DD.")],
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show where a day differs from Stripe's balance transactions; 1 if it does or was not compared yet (REC-008)."""
    compared = ask_engine(url, lambda client: client.compared_day(day))
    found = compared["differences_found"]
    if as_json:
        print_json({"ok": found == 0, **compared})
    elif found is None:
        raise CommandFailed(f"{day} has not been compared with Stripe yet", "Wait for the run, or look at its alert.")
    elif not found:
        print_line(f"ok: {compared['stripe_items']} items of Stripe's and the books agree on {day}")
    else:
        rows = [
            (one["kind"], one["subject"], one["currency"], one["stripe_cents"], one["ledger_cents"], one["detail"])
            for one in compared["differences"]
        ]
        print_table(f"{found} differences on {day}: see runbooks/stripe-differs.md", _COLUMNS, rows)
    if found != 0:
        raise typer.Exit(1)
