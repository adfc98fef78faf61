"""What an edit changed."""

from tunesmith.study import StudyJob


def changes(old: StudyJob, new: StudyJob) -> list[tuple[str, str, str]]:
    """Path, old text and new text of each changed field."""
    from tunesmith.study import spec_differences

    found = list(spec_differences(old.spec, new.spec))
    if dict(old.labels) != dict(new.labels):
        found.append(("metadata.labels", str(dict(old.labels)), str(dict(new.labels))))
    return found


def differences(old: StudyJob, new: StudyJob) -> str:
    """The same as the text of an event, `path: old -> new; ...`."""
    return "; ".join(f"{path}: {before} -> {after}" for path, before, after in changes(old, new))
