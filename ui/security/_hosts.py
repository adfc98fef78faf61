"""Which `Host` a request may name, and under which path we are served.

A page elsewhere whose name was bent to our address (DNS rebinding) names its own host, never a number of ours.
"""

from ipaddress import ip_address

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from tunesmith.ui._problems import problem
from tunesmith.ui._settings import Settings


class Hosts:
    """Refuses hosts that are not ours, and tells the application its path behind a proxy.

    The proxy may take our path away before it passes a request on, or leave it.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """`app` answers; `settings` say what is ours."""
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if not allowed(host, self._settings):
            text = f"this dashboard is not called {host_name(host)!r}: allow it with --host, or use its address"
            await problem(Request(scope), 421, text)(scope, receive, send)
            return
        prefix, path = self._settings.root_path, scope["path"]
        if prefix:
            path = path if path == prefix or path.startswith(f"{prefix}/") else prefix + path
            scope = {**scope, "root_path": prefix, "path": path}
        await self._app(scope, receive, send)


def allowed(host: str, settings: Settings) -> bool:
    """Whether a request may name that host: numbers cannot be bent, names are those that were given."""
    name = host_name(host)
    if name == "localhost" or name in settings.hosts or _number(name):
        return True
    return settings.wide and settings.login and not settings.hosts


def host_name(host: str) -> str:
    """A `Host` header without its port."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0].lower().rstrip(".")


def _number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
