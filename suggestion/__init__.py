"""The suggestion service, and one module per algorithm."""
