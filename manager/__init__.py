"""The StudyJob manager: reconcile, storage, launchers, collectors, and its gRPC API."""
