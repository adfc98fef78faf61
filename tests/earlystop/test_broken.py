"""The service in this process, around a rule that is broken."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
from tests.earlystop.caller import Caller
from tests.earlystop.studies import make_spec

from tunesmith.earlystop import Decision, Registry, RuleDescription, Settings, StudyView
from tunesmith.earlystop._service import EarlyStoppingService
from tunesmith.earlystop._studies import Held
from tunesmith.earlystop.rules.median import Median
from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import ReportBug, TunesmithError
from tunesmith.services.server import serving
from tunesmith.services.studies import Studies
from tunesmith.study import Mistake, StudySpec, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import early_stopping_pb2_grpc


class Broken:
    """Raises, or answers what it was told to; always has a remark."""

    description = RuleDescription("broken", "", "", "")
    answer: Any = None
    checks = True

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        if not self.checks:
            raise ZeroDivisionError("no way")
        return []

    def remarks(self, spec: StudySpec, settings: Settings) -> list[str]:
        return ["it is broken"]

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        if self.answer is None:
            raise ZeroDivisionError("no way")
        found: list[Decision] = self.answer
        return found


STOP: Any = Decision(3, True, "so it is")


@asynccontextmanager
async def serve(rule: Broken, studies: Studies[Held]) -> AsyncIterator[grpc.aio.Channel]:
    service = EarlyStoppingService(Registry([rule, Median()]), studies)
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        async with (
            serving(service.register, listen=[f"unix:{folder}/d/s"], token_check=None) as (address,),
            open_channel(address) as channel,
        ):
            yield channel


async def ask(channel: grpc.aio.Channel, rule: str) -> messages.DecideResponse:
    caller = Caller(make_spec(rule), uid=rule)
    for number in range(4):
        caller.report(number, [1.0 + number] * 5)
    with rpc_errors():
        return await early_stopping_pb2_grpc.EarlyStoppingServiceStub(channel).Decide(caller.stream(3))


async def test_a_rule_that_raises_is_an_error_of_its_study_alone() -> None:
    studies = Studies[Held]()
    async with serve(Broken(), studies) as channel:
        with pytest.raises(ReportBug) as failed:
            await ask(channel, "broken")
        assert (await ask(channel, "median")).decisions[0].stop
    assert failed.value.message == "rule 'broken': ZeroDivisionError: no way"
    assert len(studies) == 1


async def test_a_rule_must_decide_about_what_it_is_asked() -> None:
    rule = Broken()
    rule.answer = [Decision(3, True, "so it is"), Decision(99, True, "and so is another")]
    async with serve(rule, Studies[Held]()) as channel:
        with pytest.raises(TunesmithError, match=r"rule 'broken' must decide once about trials of \[3\], but got"):
            await ask(channel, "broken")


@pytest.mark.parametrize(
    "answer",
    [7, ["stop"], [None], [replace(STOP, step=2**70)], [replace(STOP, reason=5)], [replace(STOP, trial=[3])]],
)
async def test_what_is_no_decision_is_told_by_the_name_of_its_rule(answer: object) -> None:
    rule = Broken()
    rule.answer = answer
    async with serve(rule, Studies[Held]()) as channel:
        with pytest.raises(ReportBug, match=r"^rule 'broken': (Type|Attribute|Value)Error: "):
            await ask(channel, "broken")


async def test_one_that_cannot_check_is_told_by_its_name() -> None:
    rule = Broken()
    rule.checks = False
    async with serve(rule, Studies[Held]()) as channel:
        stub = early_stopping_pb2_grpc.EarlyStoppingServiceStub(channel)
        request = messages.EarlyStoppingServiceValidateRequest(spec=wire.spec_to_proto(make_spec("broken")))
        with pytest.raises(ReportBug, match=r"^rule 'broken': ZeroDivisionError: no way$"), rpc_errors():
            await stub.Validate(request)


async def test_remarks() -> None:
    async with serve(Broken(), Studies[Held]()) as channel:
        request = messages.EarlyStoppingServiceValidateRequest(spec=wire.spec_to_proto(make_spec("broken")))
        response = await early_stopping_pb2_grpc.EarlyStoppingServiceStub(channel).Validate(request)
    assert response.warnings == ["it is broken"]
