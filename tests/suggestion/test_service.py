"""Describe and Validate over a socket, and what Suggest refuses."""

import dataclasses
from typing import Any

import pytest
from tests.suggestion.caller import Caller, suggest
from tests.suggestion.process import ServiceProcess
from tests.suggestion.studies import FINITE, MIXED, NAMES, make_spec

from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import FixRequest, NotFound
from tunesmith.study import IntDomain, Parameter, SearchSpace, StudySpec, wire
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import types_pb2 as types


class TestDescribe:
    def test_every_algorithm_with_its_settings(self, service: ServiceProcess) -> None:
        found = {one.name: one for one in service.stub.Describe(messages.DescribeRequest()).algorithms}
        assert sorted(found) == NAMES
        (points, seed) = found["grid"].settings
        assert (points.name, points.type, points.default_value.int_value) == ("points", types.SETTING_TYPE_INT, 5)
        assert (points.min, points.HasField("max"), seed.name, seed.HasField("default_value")) == (
            2,
            True,
            "seed",
            False,
        )
        can = found["random"].capabilities
        assert (can.conditional, can.constraints, can.keeps_history, can.uses_values) == (True, True, True, False)


class TestValidate:
    def validate(self, service: ServiceProcess, spec: StudySpec) -> list[str]:
        with rpc_errors():
            return list(service.stub.Validate(messages.ValidateRequest(spec=wire.spec_to_proto(spec))).warnings)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_good_study(self, service: ServiceProcess, name: str) -> None:
        assert self.validate(service, dataclasses.replace(make_spec(name, MIXED, trials=10**6), seed=None)) == []

    def test_an_unknown_algorithm(self, service: ServiceProcess) -> None:
        with pytest.raises(NotFound, match="did you mean 'sobol'"):
            self.validate(service, make_spec("soboll", MIXED))

    def test_all_mistakes_in_settings(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec("grid", MIXED, given={"points": 1, "pionts": 3, "other": "x"}))
        assert {mistake.path.rpartition(".")[2] for mistake in refused.value.mistakes} == {"points", "pionts", "other"}

    def test_more_parameters_than_sobol_has_dimensions(self, service: ServiceProcess) -> None:
        space = SearchSpace(tuple(Parameter(f"p{n}", IntDomain(0, 9)) for n in range(257)))
        with pytest.raises(FixRequest, match="at most 256 parameters, but got 257"):
            self.validate(service, make_spec("sobol", space))
        assert self.validate(service, make_spec("auto", space)) == []

    def test_constraints_that_nothing_fulfils(self, service: ServiceProcess) -> None:
        space = SearchSpace(MIXED.parameters, ("params.rate > 2.0",))
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec("random", space))
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.constraints"]

    def test_a_space_that_cannot_be(self, service: ServiceProcess) -> None:
        message = wire.spec_to_proto(make_spec("random", MIXED))
        message.space.parameters[0].double_domain.min = 3
        with pytest.raises(FixRequest) as refused, rpc_errors():
            service.stub.Validate(messages.ValidateRequest(spec=message))
        assert refused.value.mistakes[0].path.startswith("spec.parameters[0]")

    def test_remarks(self, service: ServiceProcess) -> None:
        assert self.validate(service, make_spec("random", FINITE, trials=100)) == [
            "the space has only 24 points, so the study ends before its 100 trials"
        ]
        (remark,) = self.validate(service, make_spec("grid", MIXED, trials=100))
        assert remark.startswith("the grid has more than the 100 points")


class TestRefusals:
    def header(self, **changes: Any) -> messages.SuggestHeader:
        header = Caller(make_spec("random", MIXED), "refused").header(2)
        for name, value in changes.items():
            setattr(header, name, value)
        return header

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"study_uid": ""}, "`study_uid` must not be empty"),
            ({"base_revision": -1}, "`0 <= base_revision <= revision` must hold"),
            ({"base_revision": 2, "revision": 1}, "`0 <= base_revision <= revision` must hold"),
        ],
    )
    def test_a_bad_header(self, service: ServiceProcess, changes: dict[str, Any], why: str) -> None:
        with pytest.raises(FixRequest, match=why):
            suggest(service.channel, self.header(**changes))

    @pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (-1, 0)])
    def test_numbers_that_do_not_rise(self, service: ServiceProcess, numbers: tuple[int, int]) -> None:
        header = self.header()
        for name, number in zip(header.names, numbers, strict=True):
            name.number = number
        with pytest.raises(FixRequest, match="must have numbers of 0 or more that rise"):
            suggest(service.channel, header)

    def test_a_name_twice(self, service: ServiceProcess) -> None:
        header = self.header()
        header.names[1].name = header.names[0].name
        with pytest.raises(FixRequest, match="must not repeat a name"):
            suggest(service.channel, header)

    @pytest.mark.parametrize(("name", "number"), [("trial-0", 7), ("trial-7", 0)])
    def test_a_trial_of_the_history(self, service: ServiceProcess, name: str, number: int) -> None:
        caller = Caller(make_spec("random", MIXED), "asked again")
        caller.run(service.channel, 1)
        header = caller.header(1)
        header.base_revision = 0
        header.names[0].name, header.names[0].number = name, number
        chunk = messages.HistoryChunk(trials=caller.records.values())
        with pytest.raises(FixRequest, match="a trial in the history cannot be asked for"):
            suggest(service.channel, header, chunk)

    def test_no_header(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest, match="the first message"):
            suggest(service.channel)
        with pytest.raises(FixRequest, match="the first message"):
            suggest(service.channel, messages.HistoryChunk())

    def test_two_headers(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest, match="every message of the stream but the first"):
            suggest(service.channel, self.header(), self.header())

    def test_a_seed_is_needed(self, service: ServiceProcess) -> None:
        header = self.header()
        header.spec.ClearField("seed")
        with pytest.raises(FixRequest) as refused:
            suggest(service.channel, header)
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.seed"]

    @pytest.mark.parametrize(("state", "number"), [(0, 0), (99, 0), (1, -1)])
    def test_a_trial_that_cannot_be(self, service: ServiceProcess, state: int, number: int) -> None:
        trial = messages.TrialRecord(name="x", number=number, state=state)  # type: ignore[arg-type]
        with pytest.raises(FixRequest, match="must have a state"):
            suggest(service.channel, self.header(), messages.HistoryChunk(trials=[trial]))

    def test_a_refusal_leaves_nothing_half_done(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("random", MIXED), "half done")
        caller.run(service.channel, 2)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        good, bad = caller.records[0], messages.TrialRecord(name="x", number=9)
        with pytest.raises(FixRequest):
            suggest(service.channel, header, messages.HistoryChunk(trials=[good, bad]))
        assert (
            caller.run(service.channel, 2)
            == Caller(caller.spec, "fresh", records=dict(caller.records)).ask(service.channel, 2)
            or len(caller.records) == 4
        )
