"""One module per algorithm, found by the registry: adding one is adding a file."""
