"""StudyJob documents, right and wrong, shared by the tests of the reader and of the schema."""

from pathlib import Path
from typing import Any

import pytest

from tunesmith.study import DocumentError, read_study_job

HERE = Path(__file__).parent / "study"
RIGHT = (HERE / "right.yaml").read_text()

SMALL = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: small}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: int, min: 1, max: 3}]
  trial: {command: [run, "${params.x}"]}
"""


def changes() -> list[tuple[str, str, list[str]]]:
    """What wrong.txt says: a text of the right document, what takes its place, the mistakes."""
    blocks = (HERE / "wrong.txt").read_text().split("\n\n")[1:]
    found = []
    for lines in (block.splitlines() for block in blocks):
        old, new = ("\n".join(line[2:] for line in lines if line[0] == sign) for sign in "-+")
        found.append((old, new, [line.strip() for line in lines if line[0] == " "]))
    return found


CHANGES = changes()


def wrong(text: str | bytes, **options: Any) -> list[str]:
    """The mistakes of a document, as they are shown."""
    with pytest.raises(DocumentError) as caught:
        read_study_job(text, **{"base": None, **options})
    return [str(mistake) for mistake in caught.value.mistakes]
