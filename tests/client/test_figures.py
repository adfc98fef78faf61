"""Figures: each kind on studies of every sort, as JSON that Plotly takes; what they compute, and what they refuse."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import plotly.graph_objects
import pytest
from tests.client.figure_samples import HOSTILE, SPACE, START, numbers, sample

from tunesmith.client import figures
from tunesmith.client.figures import CannotDraw, StudyData, figure, kinds
from tunesmith.client.figures._choice import CURVES, POINTS, curves_drawn, thinned
from tunesmith.client.figures._columns import best_so_far, column
from tunesmith.client.figures._correlation import ranks, spearman
from tunesmith.client.figures._slots import bars_of, stays_of
from tunesmith.client.figures._text import escaped, plain, value_text
from tunesmith.client.figures._ticks import tick_text, ticks
from tunesmith.client.figures.plots.curves import slimmed
from tunesmith.services.errors import FixRequest
from tunesmith.study import TrialState

KINDS = [kind.name for kind in kinds()]
SAMPLE = sample()
OTHERS = tuple(sample(30, seed=seed, name=f"other-{seed}", curves=False) for seed in (1, 2))


def checked(made: dict[str, Any]) -> dict[str, Any]:
    """The figure, when it is what every figure must be: JSON without null and NaN, which Plotly takes."""
    assert set(made) == {"data", "layout"}
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert None not in list(leaves(made))
    plotly.graph_objects.Figure(made)
    return made


def drawn_or_told(kind: str, data: StudyData) -> str:
    """Why it cannot be drawn; empty: it can."""
    try:
        checked(figure(kind, data))
    except CannotDraw as error:
        return error.message
    return ""


def leaves(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from leaves(inner)
    else:
        yield part


def named(made: dict[str, Any], name: str) -> dict[str, Any]:
    """The trace with a name."""
    (trace,) = (trace for trace in made["data"] if trace.get("name") == name)
    assert isinstance(trace, dict)
    return trace


# ---- every kind


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_study_with_everything(kind: str) -> None:
    checked(figure(kind, SAMPLE))


@pytest.mark.parametrize("kind", KINDS)
def test_of_several_studies(kind: str) -> None:
    made = checked(figure(kind, SAMPLE, *OTHERS))
    several = next(found.several for found in kinds() if found.name == kind)
    assert ("other-2" in json.dumps(made)) == several


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_of_few_trials(kind: str, count: int) -> None:
    """It is drawn, or a sentence says what is missing."""
    message = drawn_or_told(kind, sample(count))
    assert " need" in message if message else count > 0


@pytest.mark.parametrize("kind", KINDS)
def test_of_trials_that_all_failed(kind: str) -> None:
    lost = [replace(trial, state=TrialState.FAILED, value=None, metrics=()) for trial in SAMPLE.trials]
    data = StudyData(SAMPLE.study, tuple(lost))
    if kind in ("history", "timeline"):
        checked(figure(kind, data))
    else:
        with pytest.raises(CannotDraw, match=" need"):
            figure(kind, data)


@pytest.mark.parametrize("kind", KINDS)
def test_of_trials_that_are_all_the_same(kind: str) -> None:
    first = next(trial for trial in SAMPLE.trials if trial.state is TrialState.SUCCEEDED)
    same = tuple(replace(first, number=number, name=f"digits-{number}-k2f4q") for number in range(12))
    message = drawn_or_told(kind, replace(SAMPLE, trials=same))
    assert not message or "differ" in message or "ranks need" in message


@pytest.mark.parametrize("kind", KINDS)
def test_of_values_that_are_no_numbers_or_far_apart(kind: str) -> None:
    odd = {3: math.nan, 4: math.inf, 5: 1e300, 6: 1e-300, 7: 5e-324}
    trials = [replace(trial, value=odd.get(trial.number % 10, trial.value)) for trial in SAMPLE.trials]
    checked(figure(kind, replace(SAMPLE, trials=tuple(trials))))


@pytest.mark.parametrize("kind", KINDS)
def test_of_ten_thousand_trials(kind: str, many: StudyData) -> None:
    made = checked(figure(kind, many))
    assert len(json.dumps(made)) < 700_000


@pytest.fixture(scope="module")
def many() -> StudyData:
    return sample(10_000, steps=3)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_shown_as_they_are(kind: str) -> None:
    """No `<` is there but of our own tags, nothing looks like a template or like TeX, and no control character is."""
    data = sample(60, name=HOSTILE, metric=HOSTILE)
    for text in leaves(checked(figure(kind, data, sample(20, name=HOSTILE + "2", metric=HOSTILE)))):
        if not isinstance(text, str) or kind == "parallel":
            continue
        for tag in ("<b>", "</b>", "<br>", "<extra></extra>"):
            text = text.replace(tag, "")
        for ours in ("%{x}", "%{x:,}", "%{x:.3g}", "%{x:.6g}", "%{y:.6g}", "%{y:.1%}"):
            text = text.replace(ours, "")
        assert not {"<", "$", "\n", "\x1b", "\u202e"} & set(text)
        assert "%{" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_makes_the_same_figure(kind: str) -> None:
    assert figure(kind, SAMPLE, *OTHERS) == figure(kind, SAMPLE, *OTHERS)


@pytest.mark.parametrize("kind", [kind.name for kind in kinds() if not kind.whole])
def test_what_a_kind_does_not_need_it_does_not_show(kind: str) -> None:
    rest: dict[str, Any] = {"reason": "", "message": "", "metrics": (), "attempts": (), "labels": {}, "explanation": ""}
    rest |= {"group": "", "completion_rank": 0, "revision": 0} | dict.fromkeys(("created", "started", "not_before"))
    brief = tuple(replace(trial, **rest) for trial in SAMPLE.trials)
    assert figure(kind, replace(SAMPLE, trials=brief)) == figure(kind, SAMPLE)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "compare"])
def test_of_another_metric(kind: str) -> None:
    data = replace(SAMPLE, observations={})
    if kind == "curves":
        with pytest.raises(CannotDraw, match="1 trial that reported seconds"):
            figure(kind, data, metric="seconds")
    else:
        assert "Best" not in json.dumps(checked(figure(kind, data, metric="seconds")))


def test_what_is_not_there() -> None:
    with pytest.raises(FixRequest, match=r"one of \[compare, contour, .*\], but got 'histery'"):
        figure("histery", SAMPLE)
    with pytest.raises(FixRequest, match="the study digits has no metric 'accuracy'; it has loss, seconds"):
        figure("history", SAMPLE, metric="accuracy")
    with pytest.raises(FixRequest, match="the study digits has no parameter 'x'; it has lr, "):
        figure("slice", SAMPLE, parameters=["lr", "x"])
    with pytest.raises(FixRequest, match="one of ped-anova, fanova, but got 'shap'"):
        figure("importance", SAMPLE, evaluator="shap")
    with pytest.raises(FixRequest, match="the study digits has no metric 'accuracy'"):
        figure("compare", sample(5, name="a", metric="accuracy"), SAMPLE)


# ---- each kind


def test_history_goes_down_to_the_best_and_marks_it() -> None:
    made = figure("history", SAMPLE)
    assert SAMPLE.study.best is not None
    line = numbers(named(made, "Best so far")["y"])
    assert line[-1] == SAMPLE.study.best.value == min(line)
    assert line == sorted(line, reverse=True)
    star = named(made, f"Best: {SAMPLE.study.best.name}")
    assert numbers(star["customdata"]) == [SAMPLE.study.best.number]
    assert star["hovertext"][0].startswith(f"<b>{SAMPLE.study.best.name}</b><br>loss: 0.0")
    states = {"Succeeded", "Stopped early", "Failed", "Killed", "No metrics", "Running"}
    assert states <= {trace["name"] for trace in made["data"]}


def test_history_of_ten_thousand_draws_the_best(many: StudyData) -> None:
    made = figure("history", many)
    assert made["layout"]["meta"] == {"kind": "history", "title": "History", "drawn": POINTS, "of": 10_000}
    assert sum(len(trace.get("hovertext", ())) for trace in made["data"]) == POINTS + 1


def test_curves_dash_what_was_stopped_and_bring_the_best_out() -> None:
    made = figure("curves", SAMPLE)
    assert len(made["data"]) == CURVES
    assert made["data"][-1]["name"].startswith("Best: ")
    assert made["data"][-1]["line"]["width"] == 3
    assert named_once(made, "Stopped early")["line"]["dash"] == "dash"
    assert all(math.isfinite(y) for trace in made["data"] for y in numbers(trace["y"]))


def named_once(made: dict[str, Any], name: str) -> dict[str, Any]:
    """The first trace with a name; only that one is in the legend."""
    first, *more = (trace for trace in made["data"] if trace["name"] == name)
    assert first["showlegend"]
    assert not any(trace["showlegend"] for trace in more)
    assert isinstance(first, dict)
    return first


def test_parallel_shows_where_a_parameter_is_not_active() -> None:
    (trace,) = figure("parallel", SAMPLE)["data"]
    by_name = {dimension["label"]: dimension for dimension in trace["dimensions"]}
    assert list(by_name) == [*SPACE.names, "loss"]
    assert by_name["momentum"]["ticktext"][0] == "inactive"
    assert by_name["lr"]["ticktext"] == ["1e-5", "0.0001", "0.001", "0.01", "0.1"]
    assert by_name["lr"]["range"] == [-5.0, -1.0]
    assert by_name["augment"]["ticktext"] == ["true", "false"]
    assert by_name["optimizer"]["ticktext"][:2] == ["sgd", "adam"]
    colours = numbers(trace["line"]["color"])
    assert colours == sorted(colours)  # the best are drawn last
    best = SAMPLE.study.best
    assert best is not None
    assert numbers(trace["customdata"])[-1] == best.number


def test_slice_has_a_panel_for_each_parameter() -> None:
    layout = figure("slice", SAMPLE)["layout"]
    axes = [layout[f"xaxis{place or ''}"] for place in (0, *range(2, len(SPACE.names) + 1))]
    assert [axis["title"]["text"] for axis in axes] == list(SPACE.names)
    assert [axis.get("type") for axis in axes] == ["log", None, None, None, "log", None, None]
    only = figure("slice", SAMPLE, parameters=["units"])
    assert only["layout"]["xaxis"]["title"]["text"] == "units"
    assert "xaxis2" not in only["layout"]


def test_on_a_phone_panels_lie_below_one_another() -> None:
    for kind in ("slice", "rank"):
        layout = checked(figure(kind, SAMPLE, narrow=True))["layout"]
        assert layout["xaxis"]["domain"] == layout["xaxis2"]["domain"] == [0, 1]
        assert layout["height"] > 900


def test_contour_and_rank_take_the_parameters_that_tell_most() -> None:
    for kind in ("contour", "rank"):
        layout = figure(kind, SAMPLE)["layout"]
        assert "lr" in (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"])
        made = checked(figure(kind, SAMPLE, parameters=["layers", "momentum"]))
        assert made["layout"]["yaxis"]["title"]["text"] == "momentum"
        with pytest.raises(CannotDraw, match="2 parameters"):
            figure(kind, SAMPLE, parameters=["lr"])


def test_correlation_tells_of_categories() -> None:
    made = figure("correlation", SAMPLE)
    names = made["layout"]["xaxis"]["ticktext"]
    assert names[:4] == ["loss", "seconds", "lr", "optimizer = sgd"]
    assert "augment = false" in names
    table = np.array(numbers(made["data"][0]["z"])).reshape(len(names), len(names))
    assert np.allclose(table, table.T)
    assert np.abs(table).max() <= 1


def test_importance_finds_what_matters() -> None:
    bar = figure("importance", sample(200, seed=3))["data"][0]
    names = figure("importance", sample(200, seed=3))["layout"]["yaxis"]["ticktext"]
    assert names[-1] == "lr"
    assert set(names) == set(SPACE.names)  # conditional ones, too
    assert bar["x"] == sorted(bar["x"])
    assert sum(bar["x"]) == pytest.approx(1, abs=1e-4)


def test_importance_by_fanova_needs_parameters_that_are_always_active() -> None:
    with pytest.raises(CannotDraw, match="always active, and momentum is not"):
        figure("importance", SAMPLE, evaluator="fanova")
    made = checked(figure("importance", SAMPLE, evaluator="fanova", parameters=["lr", "layers", "units"]))
    assert made["layout"]["yaxis"]["ticktext"][-1] == "lr"


def test_importance_says_what_it_needs() -> None:
    with pytest.raises(CannotDraw, match=r"needs 2 parameters and 10 finished trials with .*, and the study has 7 and"):
        figure("importance", sample(9))
    with pytest.raises(CannotDraw, match="the study has 1 and"):
        figure("importance", SAMPLE, parameters=["lr"])


def test_edf_reaches_all_trials() -> None:
    x, y = (numbers(figure("edf", SAMPLE)["data"][0][axis]) for axis in "xy")
    assert x == sorted(x)
    assert (y[0], y[-1]) == (0, 1)


def test_compare_counts_trials_and_time() -> None:
    made = figure("compare", SAMPLE, *OTHERS)
    assert [trace["xaxis"] for trace in made["data"]] == ["x", "x2"] * 3
    assert made["layout"]["xaxis2"]["title"]["text"] == "minutes since the start"
    assert numbers(made["data"][0]["x"])[-1] == 78  # two run still


def test_timeline_shows_what_was_tried_again() -> None:
    made = figure("timeline", SAMPLE)
    again = named(made, "Failed, tried again")
    assert again["marker"]["pattern"]["shape"] == "/"
    assert "<br>tried again, attempt 1<br>" in again["hovertext"][0]
    assert sum(len(trace["hovertext"]) for trace in made["data"]) == 80 + 7


def test_a_timeline_of_many_merges_what_is_narrow(many: StudyData) -> None:
    stays = stays_of(many.trials, many.now)
    bars = bars_of(stays)
    assert len(stays) == 10_000 + 909
    assert len(bars) <= 1_600
    assert sum(len(bar.stays) for bar in bars) == len(stays)


def test_slots_are_used_again_when_they_are_free() -> None:
    base = SAMPLE.trials[0].attempts[0]

    def at(number: int, start: int, end: int | None) -> Any:
        finished = None if end is None else START + timedelta(seconds=end)
        attempt = replace(base, started=START + timedelta(seconds=start), finished=finished)
        return replace(SAMPLE.trials[0], number=number, attempts=(attempt,))

    trials = [at(0, 0, 10), at(1, 0, 5), at(2, 5, 8), at(3, 6, None), at(4, 10, 12)]
    assert [(stay.number, stay.slot) for stay in stays_of(trials, None)] == [(0, 0), (1, 1), (2, 1), (3, 2), (4, 0)]
    assert stays_of(trials, None)[3].end == 12
    assert stays_of(trials, START + timedelta(seconds=20))[3].end == 20


# ---- what they are made of


def test_thinned_keeps_the_best_and_spreads_the_rest() -> None:
    losses = np.array([*np.arange(1000.0)[::-1], *[np.nan] * 1000])
    rows = thinned(losses, 100)
    assert len(rows) == 100
    assert set(range(975, 1000)) <= set(rows.tolist())
    assert 30 <= (rows < 975).sum() <= 45  # half of the 75 others, be it by chance or not
    periodic = thinned(np.where(np.arange(2000) % 13 == 5, np.nan, 1.0), 500)
    assert 25 <= (periodic % 13 == 5).sum() <= 50
    assert (thinned(losses, 5000) == np.arange(2000)).all()


def test_curves_drawn_are_the_best_the_running_and_some_of_each_time() -> None:
    data = sample(500)
    chosen = curves_drawn(data.study, data.trials)
    assert len(chosen) == CURVES
    numbers = [trial.number for trial in chosen]
    assert numbers == sorted(numbers)
    assert data.study.best is not None
    assert {data.study.best.number, 498, 499} <= set(numbers)


def test_a_slimmed_curve_keeps_its_spikes() -> None:
    curve = np.array([np.arange(10_000.0), np.zeros(10_000)]).T
    curve[777, 1], curve[778, 1] = 5, -5
    slim = slimmed(curve, 200)
    assert len(slim) <= 200
    assert {5, -5} < set(slim[:, 1])
    assert (slim[0, 0], slim[-1, 0]) == (0, 9_999)


def test_best_so_far() -> None:
    assert best_so_far(np.array([np.nan, 3.0, 3.0, 4.0, 1.0, np.nan])).tolist() == [1, 4]
    assert best_so_far(np.array([])).tolist() == []


def test_columns_are_as_small_as_they_can_be() -> None:
    assert column([1, 2])["dtype"] == "i1"
    assert column([1000])["dtype"] == "i2"
    assert column([10**6])["dtype"] == "i4"
    assert numbers(column([10**12])) == [1e12]
    assert column([0.5], short=True)["dtype"] == "f4"
    assert numbers(column([1e300], short=True)) == [1e300]
    assert column(np.zeros((2, 3)))["shape"] == "2, 3"
    assert math.isnan(numbers(column([math.nan]))[0])


def test_correlation_by_ranks() -> None:
    assert ranks(np.array([3.0, 1.0, np.nan, 3.0])).tolist()[:2] == [1.5, 0.0]
    x = np.array([1.0, 2, 3, 4, np.nan])
    assert spearman(x, np.exp(x)) == 1
    assert spearman(x, -x) == -1
    assert math.isnan(spearman(x, np.ones(5)))
    assert math.isnan(spearman(x[:2], x[:2]))


def test_ticks_have_short_names() -> None:
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks(-5, -1, log=True) == [-5, -4, -3, -2, -1]
    assert [tick_text(10**place) for place in ticks(1.2, 3.01, log=True)] == ["20", "50", "100", "200", "500", "1000"]
    assert ticks(-12, 3, log=True) == [-12, -9, -6, -3, 0, 3]
    assert ticks(2, 2) == [2]
    assert [tick_text(value) for value in (0.25, 1e-5, 0.0, 1e12)] == ["0.25", "1e-5", "0", "1e12"]


def test_texts() -> None:
    assert escaped("<b>&$%{x}") == "&lt;b&gt;&amp;&#36;&#37;{x}"
    assert plain(escaped("<b>&amp;$%{x}")) == "<b>&amp;$%{x}"
    assert escaped("x" * 100, 11) == "xxxxx…xxxxx"
    assert [value_text(value) for value in (True, 3, 0.5, "", "a<")] == ["true", "3", "0.5", "(empty)", "a&lt;"]


def test_a_parameter_that_no_trial_has_seen_yet() -> None:
    trials = tuple(trial for trial in SAMPLE.trials if trial.assignment["optimizer"] != "sgd")
    for kind in KINDS:
        checked(figure(kind, replace(SAMPLE, trials=trials)))


def test_kinds_stays_a_function_when_they_are_loaded() -> None:
    """A package of the same name would take its place, as soon as it is imported."""
    assert callable(figures.kinds)
    assert figures.kinds() is figures.kinds()
