"""The dashboard: see every study, understand it, steer it. A client of the manager's API, nothing else.

`python -m tunesmith.ui serve` is a program of its own; `tunesmith serve` and `tunesmith run --dashboard` start it.
"""
