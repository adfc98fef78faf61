"""Addresses of our own pages and files, wherever a proxy serves us."""

from urllib.parse import quote, urlencode

from starlette.requests import Request


def route_path(request: Request) -> str:
    """The path that was asked for, without what a proxy put before it."""
    root = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path.removeprefix(root) or "/" if root else path


def link(request: Request, path: str, **query: str) -> str:
    """The address of `path`, which begins with a slash, for a browser."""
    tail = f"?{urlencode(query)}" if query else ""
    return f"{request.scope.get('root_path', '')}{path}{tail}"


def study_path(namespace: str, name: str, *more: str) -> str:
    """The path of a study, or of something below it; every part may hold anything."""
    return "/studies/" + "/".join(quote(part, safe="") for part in (namespace, name, *more))
