"""The vocabulary: search space, trial, metric, objective, the StudyJob document and its readers. Pure, no I/O."""
