"""The early-stopping service, and one module per rule (none yet)."""
