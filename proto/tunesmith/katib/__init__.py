"""Contracts of Katib, in Python: generated, except for this file."""
