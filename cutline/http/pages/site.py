"""All pages together, put into the application of the doors; it must not know what is on any of them."""

from __future__ import annotations

from aiohttp import web

from cutline.http.door import House
from cutline.http.pages import leaderboard, ops, viewer
from cutline.http.pages.assets import asset_routes, url_of
from cutline.http.pages.frame import PageRoute, set_up_templates, wrap_page
from cutline.http.pages.watching import Watching


def add_pages(app: web.Application, house: House) -> tuple[PageRoute, ...]:
    """Serve every page, and return what there is to be listed."""
    watching = Watching(house.standings)

    async def end_streams(_app: web.Application) -> None:
        watching.close()

    app.on_shutdown.append(end_streams)
    set_up_templates(app, url_of)
    routes = (*leaderboard.routes(watching), *ops.ROUTES, *viewer.ROUTES, *asset_routes())
    for route in routes:
        handler = wrap_page(route, house)
        if route.method == "GET":
            app.router.add_get(route.path, handler, allow_head=not route.streams)
        else:
            app.router.add_route(route.method, route.path, handler)
    return routes
