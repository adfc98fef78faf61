"""`tunesmith plot`: figures of studies, as files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.client.figures import CannotDraw, Kind, StudyData
    from tunesmith.client.figures._kind import Figure


@click.command(
    epilog="\b\n"
    "Kinds:\n"
    "  history        the value of every trial, and the best so far\n"
    "  curves         a metric against the step, for each trial\n"
    "  parallel       parallel coordinates: which parameters the good trials share\n"
    "  importance     which parameters matter\n"
    "  slice          the value against each parameter\n"
    "  contour        the value over two parameters\n"
    "  rank           where good and bad trials lie, for each pair of parameters\n"
    "  correlation    which parameters and metrics rise and fall together\n"
    "  edf            the share of trials with a value up to each; of several studies\n"
    "  timeline       which slot ran what, and when\n"
    "  compare        the best so far of several studies, against trials and time\n"
    "  distributions  how the values of several studies lie\n"
    "\n\b\nExamples:\n"
    "  tunesmith plot digits --kind history --output history.html\n"
    "  tunesmith plot digits --kind contour --parameter C --parameter gamma --output contour.png\n"
    "  tunesmith plot digits --kind all --output report.html\n"
    "  tunesmith plot digits digits-2 --kind compare --output compare.html"
)
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@click.option("--kind", default="history", show_default=True, help="What is drawn; `all`: every kind there is.")
@click.option(
    "--output",
    "file",  # `output` is the common option's, and so is -o
    type=click.Path(path_type=Path),
    help="A file that ends with .html, .json or .png; for all kinds also a folder.  [default: JSON on standard output]",
)
@click.option("--metric", metavar="NAME", help="What is drawn as a trial's value.  [default: the objective]")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME", help="Only this parameter; give it again.")
@click.option(
    "--evaluator",
    type=click.Choice(["ped-anova", "fanova"]),
    default="ped-anova",
    show_default=True,
    help="What judges importance.",
)
@click.option(
    "--format", "form", type=click.Choice(["html", "json", "png"]), help="Of files in a folder.  [default: html]"
)
@click.option("--dark", is_flag=True, help="Draw a dark picture. A page is as its reader likes it.")
@target(output=False)
def command(
    where: Target,
    studies: tuple[str, ...],
    kind: str,
    file: Path | None,
    metric: str | None,
    parameters: tuple[str, ...],
    evaluator: str,
    form: str | None,
    dark: bool,
) -> None:
    """Draw figures of STUDY, and of more studies for the kinds that compare.

    HTML files and PNG need `pip install 'tunesmith[plot]'`, PNG a Chromium or Chrome, too.
    """
    from tunesmith.client.figures import CannotDraw, figure
    from tunesmith.client.figures._figure import kind_of, kinds
    from tunesmith.client.figures._files import as_json

    wanted = kinds() if kind == "all" else (kind_of(kind),)
    _check(kind, wanted, studies, file, form)
    with where.client() as client:
        data = [_load(client, study, wanted, metric) for study in studies]
    made: dict[str, Figure] = {}
    for one in wanted:
        try:
            made[one.name] = figure(one.name, *data, metric=metric, parameters=parameters, evaluator=evaluator)
        except CannotDraw as error:
            if kind != "all":
                raise
            _note_left_out(one, error)
    if not made:
        raise CannotDraw(f"no figure can be drawn of {', '.join(studies)} yet: figures need trials")
    title = ", ".join(one.study.name for one in data)
    if file is None:
        click.echo(as_json(made if kind == "all" else made[kind]))
    else:
        _write(made, title, file, form or ("html" if kind == "all" and not _is_file(file) else None), dark)


def _check(
    kind: str, wanted: "tuple[Kind, ...]", studies: tuple[str, ...], path: Path | None, form: str | None
) -> None:
    if kind != "all" and len(studies) > 1 and not wanted[0].several:
        raise click.UsageError(f"--kind {kind} draws 1 study, but got {len(studies)}")
    if form is not None and (kind != "all" or path is None or _is_file(path)):
        raise click.UsageError("--format is for --kind all with a folder; a file's name says what it is")


def _is_file(path: Path) -> bool:
    """Whether a path names a file in one of our formats, and not a folder."""
    from tunesmith.client.figures._files import FORMATS

    return path.suffix.lower()[1:] in FORMATS


def _load(client: "Client", study: str, wanted: "tuple[Kind, ...]", metric: str | None) -> "StudyData":
    from tunesmith.client.figures import StudyData

    return StudyData.load(client, study, observations=any(kind.observations for kind in wanted), metric=metric)


def _note_left_out(kind: "Kind", error: "CannotDraw") -> None:
    from tunesmith.client._output import note
    from tunesmith.client._terminal import safe

    note(f"{kind.name} is left out: {safe(error.message)}")


def _write(made: "dict[str, Figure]", title: str, path: Path, form: str | None, dark: bool) -> None:
    """Write one file, or with `form` a folder of them, and tell what was written and what was left out."""
    from tunesmith.client._format import plural
    from tunesmith.client._output import note
    from tunesmith.client._terminal import safe
    from tunesmith.client.figures import _files

    try:
        if form is None:
            _files.write_one(path, title, list(made.values()), dark=dark)
        else:
            _files.write_all(path, title, made, form, dark=dark)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None
    for kind, figure in made.items():
        if left := _files.left_out(figure):
            note(f"{kind}: {left}")
    note(f"{plural(len(made), 'figure')} written to {safe(str(path))}")
