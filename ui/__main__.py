"""`python -m tunesmith.ui serve`: the dashboard as a process of its own."""

import os
from pathlib import Path

import click

from tunesmith.ui._settings import LISTEN

_EXAMPLES = """\b
Examples:
  tunesmith ui serve
  tunesmith ui serve --server tuning.example:6790 --listen 0.0.0.0:8080 --tls-cert ui.pem --tls-key ui.key
"""
_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The dashboard of Tunesmith: see every study, understand it, steer it."""


@main.command(epilog=_EXAMPLES)
@click.option("--listen", metavar="ADDR", default=LISTEN, show_default=True, help="host:port; port 0: any free one.")
@click.option("--server", metavar="ADDR", envvar="TUNESMITH_SERVER", help="A manager elsewhere.  [default: the local]")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Whose .tunesmith the local manager has."
)
@click.option("--token-file", type=_PEM, metavar="FILE", help="Token of the dashboard's own for --server.")
@click.option("--root-path", metavar="PATH", default="", help="Where a proxy serves it, as /tuning.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="A name by which browsers call it; repeatable.")
@click.option("--proxy", metavar="ADDRS", default="127.0.0.1", show_default=True, help="Whose X-Forwarded-* count.")
@click.option(
    "--no-login", is_flag=True, help="Ask for no token on loopback: every user of this machine may run commands."
)
@click.option(
    "--tls-cert",
    type=_PEM,
    metavar="FILE",
    envvar="TUNESMITH_TLS_CERT",
    help="PEM file: certificate of this server. Or TUNESMITH_TLS_CERT.",
)
@click.option(
    "--tls-key",
    type=_PEM,
    metavar="FILE",
    envvar="TUNESMITH_TLS_KEY",
    help="PEM file: its key. Or TUNESMITH_TLS_KEY.",
)
@click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond loopback without TLS.")
@click.option("--parent-pipe", type=int, metavar="FD", help="Leave when the other end of this pipe is closed.")
@click.option("--words", is_flag=True, help="With --parent-pipe: say in words where it is, not in JSON.")
def serve(
    listen: str,
    server: str | None,
    folder: Path | None,
    token_file: Path | None,
    root_path: str,
    hosts: tuple[str, ...],
    proxy: str,
    no_login: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    insecure_bind: bool,
    parent_pipe: int | None,
    words: bool,
) -> None:
    """Serve the dashboard until SIGTERM or SIGINT. Studies go on without it.

    Everybody signs in with a token: the folder's, in .tunesmith/token, or with --server one that its manager knows. The
    address that is printed signs you in once.
    """
    from tunesmith.services.command import usage_errors

    with usage_errors():
        from tunesmith.ui._serve import Serving, serve_dashboard

        token = token_file.read_text().strip() if token_file else os.environ.get("TUNESMITH_TOKEN")
        serving = Serving(
            listen=listen,
            tls=(tls_cert, tls_key),
            insecure_bind=insecure_bind,
            proxy=proxy,
            parent_pipe=parent_pipe,
            words=words or parent_pipe is None,
        )
        settings = serving.settings(
            folder=folder or Path.cwd(),
            server=server,
            token=token,
            login=not no_login,
            root_path=root_path,
            hosts=hosts,
        )
        serve_dashboard(settings, serving, say=click.echo)


if __name__ == "__main__":
    main(prog_name="tunesmith ui")
