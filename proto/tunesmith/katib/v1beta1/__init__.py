"""Katib's contract v1beta1, in Python: generated, except for this file."""
