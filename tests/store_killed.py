"""Writes trials until it is killed, and says what it has committed: `python store_killed.py URL UID`."""

import sys

from tests.store_samples import finished_trial

from tunesmith.manager.storage import open_store

store = open_store(sys.argv[1])
while True:
    print(finished_trial(store, sys.argv[2], acc=0.5, other=2.0).number, flush=True)
