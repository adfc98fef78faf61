"""Documents in the database, and the parsed ones in memory: the full reader is too slow to run at each read."""

import json
import threading
from collections import OrderedDict

from tunesmith.study import StudyJob


def to_text(job: StudyJob) -> str:
    """The native document of `job` as JSON."""
    from tunesmith.study import to_document

    return json.dumps(to_document(job), separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> StudyJob:
    """The inverse of `to_text`."""
    from tunesmith.study import read_document

    return read_document(json.loads(text), base=None)


class JobCache:
    """Parsed documents that are committed, by uid and generation: a pair never gets another one. Thread-safe."""

    def __init__(self, capacity: int = 512) -> None:
        """A cache of the `capacity` documents used last."""
        self._capacity = capacity
        self._lock = threading.Lock()
        self._jobs: OrderedDict[tuple[str, int], StudyJob] = OrderedDict()

    def get(self, uid: str, generation: int) -> StudyJob | None:
        """The document, when it is there."""
        with self._lock:
            job = self._jobs.get((uid, generation))
            if job is not None:
                self._jobs.move_to_end((uid, generation))
            return job

    def put(self, uid: str, generation: int, job: StudyJob) -> None:
        """Keep a document that is committed."""
        with self._lock:
            self._jobs[uid, generation] = job
            self._jobs.move_to_end((uid, generation))
            while len(self._jobs) > self._capacity:
                self._jobs.popitem(last=False)
