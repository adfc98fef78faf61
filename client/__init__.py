"""The Python SDK and the tunesmith command: a client of the manager's API, nothing else."""
