"""The dashboard: a client of the manager's API, nothing else (not yet built)."""
