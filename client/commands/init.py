"""`tunesmith init`: something that runs, to start from."""

from pathlib import Path

import click


@click.command(epilog="\b\nExample:\n  tunesmith init && tunesmith run study.yaml")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", default="first-study", show_default=True, help="Of the study.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(folder: Path, name: str, force: bool) -> None:
    """Write study.yaml and train.py into FOLDER: a StudyJob that runs as it stands, and the script that it tunes."""
    from tunesmith.client._starter import STUDY, TRAIN
    from tunesmith.study.naming import check_name

    if problem := check_name("study", name):
        raise click.BadParameter(problem, param_hint="--name")
    files = {folder / "study.yaml": STUDY.replace("NAME", name), folder / "train.py": TRAIN}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise click.UsageError(f"{' and '.join(there)} would be overwritten: give --force, or another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(folder), error.strerror) from None
    print(f"Wrote {' and '.join(map(str, files))}. Try it:\n  tunesmith run {folder / 'study.yaml'}")
