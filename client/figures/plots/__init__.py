"""One module per kind of figure, found by name: adding one is adding a file."""
