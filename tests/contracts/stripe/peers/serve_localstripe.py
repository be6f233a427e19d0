"""Serves localstripe on 127.0.0.1 alone (its own command listens everywhere) and prints the port; no test runs here."""

from __future__ import annotations

import socket
import sys

from aiohttp import web
from localstripe.resources import store
from localstripe.server import app

if __name__ == "__main__":
    store.dump_to_disk = lambda: None  # It would keep its objects in /tmp, for whoever starts it next.
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    web.run_app(app, sock=listener, print=lambda *_: None, access_log=None)
