"""Regenerates the Python stubs of every contract, in place or below another folder.

Run `python proto/generate.py` after an edit of a .proto file. The generators are pinned in the `test` extra, so that
the same sources give the same stubs everywhere.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def generate(target: Path) -> None:
    """Write the stubs of all contracts below `target`; raises RuntimeError when a contract does not compile."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path.relative_to(HERE)) for path in HERE.rglob("*.proto"))
    out = [f"--{kind}_out={target}" for kind in ("python", "grpc_python")]
    typed = [f"--{kind}_out=quiet:{target}" for kind in ("mypy", "mypy_grpc")]
    status = protoc.main(["protoc", f"-I{HERE}", f"-I{well_known}", *out, *typed, *sources])
    if status:
        raise RuntimeError(f"protoc ended with status {status}")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
