"""What an edit changed, as the text of its event."""

from tunesmith.study import StudyJob


def differences(old: StudyJob, new: StudyJob) -> str:
    """Each changed field with its old and new text, `path: old -> new; ...`."""
    from tunesmith.study import spec_differences

    changes = list(spec_differences(old.spec, new.spec))
    if dict(old.labels) != dict(new.labels):
        changes.append(("metadata.labels", str(dict(old.labels)), str(dict(new.labels))))
    return "; ".join(f"{path}: {before} -> {after}" for path, before, after in changes)
