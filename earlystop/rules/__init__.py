"""One module per rule, found by the registry: adding one is adding a file."""
