"""Tunesmith: hyperparameter tuning as a set of small services."""

__version__ = "0.1.0"
