"""StudyJob documents, right and wrong, shared by the tests of the reader and of the schema."""

from pathlib import Path

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
