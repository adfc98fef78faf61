"""Hypothesis strategies for StudyJobs that a document can say, for the tests of the reader, the writer and the wire."""

from string import ascii_letters, digits

from hypothesis import strategies as st
from tests.strategies import search_spaces, units

from tunesmith.study import (
    AlgorithmSpec,
    Assignment,
    CollectorSpec,
    FailureClass,
    Limits,
    MetricSpec,
    Objective,
    ObjectiveType,
    OnCompletion,
    Resources,
    Retry,
    RuleSpec,
    SearchSpace,
    Strategy,
    StudyJob,
    StudySpec,
    TrialTemplate,
)

NANO = 10**9

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12).filter(
    lambda text: "${" not in text
)
words = st.text(ascii_letters + digits + "-_.", min_size=1, max_size=12)
scripts = st.lists(st.text(" ab:#-'\"|\\\t", max_size=5), min_size=2, max_size=4).map("\n".join)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
doubles = st.floats(allow_nan=False, allow_infinity=False)
durations = st.one_of(
    st.integers(1, 10**6).map(float),
    st.integers(1, 10**4).map(lambda millis: millis / 1000),
    st.integers(1, 10**18).map(lambda nanos: nanos / NANO),
)
counts = st.integers(1, 2**31 - 1)
values = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), doubles, texts)
metric_names = st.from_regex(r"[A-Za-z][A-Za-z0-9/@_.-]{0,9}", fullmatch=True)

objectives = st.builds(
    Objective,
    metric_names,
    st.sampled_from(ObjectiveType),
    st.none() | doubles,
    st.sampled_from(Strategy),
)
limits = st.builds(Limits, counts, counts, st.integers(0, 2**31 - 1), st.none() | durations, st.none() | durations)
retries = st.one_of(
    st.just(Retry()),
    st.builds(
        Retry,
        counts,
        st.lists(st.sampled_from(FailureClass), min_size=1, unique=True).map(tuple),
        durations | st.just(0.0),
    ),
)
resources = st.builds(
    Resources,
    st.none() | st.floats(0, 1e9, exclude_min=True),
    st.none() | st.integers(1, 2**63 - 1) | st.integers(1, 99).map(lambda count: count << 30),
    st.none() | st.integers(0, 99),
)
env_names = words.filter(lambda name: not name[0].isdigit() and not name.upper().startswith("TUNESMITH_"))
commands = st.builds(
    TrialTemplate,
    st.lists(texts | scripts | st.sampled_from(["${trial.dir}", "a${study.name}b", "$${HOME}", "1"]), min_size=1).map(
        tuple
    ),
    st.sampled_from(["", "/", "/a b", "/x/${trial.name}", "${trial.dir}/x"]),
    st.dictionaries(env_names, texts | scripts, max_size=3),
    resources,
)
collectors = st.sampled_from(
    [
        CollectorSpec(),
        CollectorSpec("stdout", "", (r"(?P<name>\w+)=(?P<value>\S+)", "(?P<name>a)(?P<value>b)(?P<step>c)?")),
        CollectorSpec("file", "a/${trial.number}.txt"),
        CollectorSpec("jsonl", "/x.jsonl"),
        CollectorSpec("jsonl"),
    ]
)
endpoints = st.sampled_from(["", "localhost:80", "unix:/a/b.sock", "[::1]:443"])
algorithms = st.builds(
    AlgorithmSpec,
    st.just("auto") | words.filter(lambda name: name[0].isalnum()),
    st.dictionaries(words.filter(lambda name: name != "seed"), values, max_size=3),
    endpoints,
)
rules = st.builds(
    RuleSpec, words.filter(lambda name: name[0].isalnum()), st.dictionaries(words, values, max_size=3), endpoints
)


@st.composite
def assignments(draw: st.DrawFn, space: SearchSpace) -> Assignment:
    """A part of a point of the space."""
    whole = space.decode(draw(st.lists(units, min_size=len(space.names), max_size=len(space.names))))
    return {name: value for name, value in whole.items() if draw(st.booleans())}


@st.composite
def specs(draw: st.DrawFn) -> StudySpec:
    """Specs of every kind."""
    space = draw(search_spaces(constraints=draw(st.integers(0, 4)) == 0))  # few: they are slow
    objective = draw(objectives)
    others = metric_names.filter(lambda name: name != objective.metric)
    names = draw(st.none() | st.lists(others, max_size=3, unique=True))
    strategies = st.sampled_from(Strategy)
    trial = draw(commands | st.just(TrialTemplate(workers=True)))
    return StudySpec(
        objectives=(objective,),
        space=space,
        trial=trial,
        metrics=None if names is None else tuple(MetricSpec(name, draw(strategies)) for name in names),
        algorithm=draw(algorithms),
        early_stopping=draw(st.none() | rules),
        limits=draw(limits),
        retry=draw(retries),
        initial=tuple(draw(st.lists(assignments(space), max_size=2))),
        collector=CollectorSpec() if trial.workers else draw(collectors),
        on_completion=draw(st.sampled_from(OnCompletion)),
        seed=draw(st.none() | st.integers(0, 2**63 - 1)),
    )


@st.composite
def jobs(draw: st.DrawFn) -> StudyJob:
    """Jobs of every kind."""
    label_keys = st.builds(lambda prefix, name: prefix + name, st.sampled_from(["", "team.io/"]), labels)
    return StudyJob(
        name=draw(labels),
        spec=draw(specs()),
        namespace=draw(st.just("default") | labels),
        labels=draw(st.dictionaries(label_keys, st.just("") | labels, max_size=3)),
    )
