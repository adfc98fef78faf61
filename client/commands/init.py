"""`tunesmith init`: something that runs, to start from."""

import errno
from contextlib import suppress
from pathlib import Path

import click

from tunesmith.client._options import output_option


@click.command(epilog="\b\nExample:\n  tunesmith init && tunesmith run study.yaml")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", default="first-study", show_default=True, help="Of the study.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@output_option
def command(folder: Path, name: str, force: bool, output: str | None) -> None:
    """Write study.yaml and train.py into FOLDER: a StudyJob that runs as it stands, and the script that it tunes."""
    from tunesmith.client._output import emit
    from tunesmith.client._starter import STUDY, TRAIN
    from tunesmith.study.naming import check_name

    if problem := check_name("study", name):
        raise click.BadParameter(problem, param_hint="--name")
    files = {folder / "study.yaml": STUDY.replace("NAME", name), folder / "train.py": TRAIN}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise click.UsageError(f"{' and '.join(there)} would be overwritten: give --force, or another folder")
    _write(folder, files)
    if output in (None, "table"):
        print(f"Wrote {' and '.join(map(str, files))}. Try it:\n  tunesmith run {folder / 'study.yaml'}")
    else:
        emit({"name": name, "files": [str(path) for path in files]}, output)


def _write(folder: Path, files: dict[Path, str]) -> None:
    """Write all or none. Raises FixRequest, and FreeSpace on a full disk."""
    from tunesmith.services.errors import FixRequest, FreeSpace

    new = [path for path in files if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        for path in new:
            with suppress(OSError):
                path.unlink()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FreeSpace(f"the disk of {folder.absolute()} is full") from None
        raise FixRequest(
            f"{folder.absolute()} must be a folder that can be written to: {error.strerror}; name another one"
        ) from None
