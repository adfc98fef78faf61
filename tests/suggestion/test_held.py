"""What the service holds of a study between calls, and that it never changes an answer."""

import threading
import time

import pytest
from tests.suggestion.caller import Caller, suggest
from tests.suggestion.process import ServiceProcess
from tests.suggestion.studies import FINITE, FINITE_COUNT, MIXED, NAMES, ONE_POINT, Study, make_spec, pure

from tunesmith.services.errors import BaseRevision
from tunesmith.study import IntDomain, Parameter, SearchSpace, TrialState
from tunesmith.v1 import suggestion_pb2 as messages


class TestHistory:
    def test_only_what_changed_is_sent(self, service: ServiceProcess, caller: Caller) -> None:
        for size in (1, 2, 1):
            caller.run(service.channel, size)
            caller.move(0, TrialState.RUNNING)
        assert caller.refusals == 0
        assert len(list(caller.stream(1))) == 2  # the header, and one chunk

    def test_an_unknown_base_is_refused_before_the_history_is_sent(
        self, service: ServiceProcess, caller: Caller
    ) -> None:
        caller.run(service.channel, 1)
        header = caller.header(1)
        header.study_uid += "-other"
        header.base_revision = 1
        with pytest.raises(BaseRevision) as refused:
            suggest(service.channel, header)
        assert refused.value.args == (0, 0)

    def test_the_held_revision_and_digest_are_told(self, service: ServiceProcess, caller: Caller) -> None:
        for _ in range(2):
            caller.run(service.channel, 1)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        header.base_revision = 1
        with pytest.raises(BaseRevision) as refused:
            suggest(service.channel, header)
        assert refused.value.args == (2, caller.digests[2])

    def test_another_digest_counts_as_nothing(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 1)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        header.base_digest ^= 1
        with pytest.raises(BaseRevision) as refused:
            suggest(service.channel, header)
        assert refused.value.args == (0, 0)

    def test_a_restored_database_is_believed(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 3)
        caller.run(service.channel, 3)
        other = Caller(caller.spec, caller.uid)
        for _ in range(6):  # as many revisions, but another history
            other.add(MIXED.decode([0.5] * 6), TrialState.FAILED)
        other.base = 6
        assert other.ask(service.channel, 1).suggestions
        assert other.refusals >= 1

    def test_a_lost_reply_is_asked_for_again(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 2)
        first = caller.ask(service.channel, 2)
        caller.base = 0
        caller.move(0, TrialState.RUNNING)
        caller.ask(service.channel, 2)
        caller.base = 2  # the caller never heard of that answer
        again = caller.ask(service.channel, 2)
        assert caller.refusals == 1
        assert again == first

    def test_the_same_request_has_the_same_answer(self, service: ServiceProcess, caller: Caller) -> None:
        assert suggest(service.channel, caller.header(3)) == suggest(service.channel, caller.header(3))

    def test_no_names_bring_the_study_up_to_date(self, service: ServiceProcess, caller: Caller) -> None:
        caller.add(MIXED.decode([0.5] * 6))
        assert caller.ask(service.channel, 0) == messages.SuggestResponse()
        assert caller.base == 1

    def test_an_edited_spec_replaces_the_held_one(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("auto", FINITE, trials=20), uid="edited")
        assert "sobol" in caller.run(service.channel, 1).suggestions[0].explanation.text
        caller.spec = make_spec("auto", FINITE, trials=30)
        caller.generation += 1
        assert "grid" in caller.run(service.channel, 1).suggestions[0].explanation.text
        assert caller.refusals == 0

    def test_an_edited_space_has_other_points(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("random", ONE_POINT), uid="edited space")
        assert caller.run(service.channel, 2).status == messages.SUGGEST_STATUS_EXHAUSTED
        caller.spec = make_spec("random", SearchSpace((Parameter("only", IntDomain(3, 4)),)))
        (suggestion,) = caller.run(service.channel, 2).suggestions
        assert suggestion.assignment.values["only"].int_value == 4
        assert caller.refusals == 0

    def test_ten_megabytes_in_chunks(self, service: ServiceProcess, caller: Caller) -> None:
        for number in range(12_500):
            point = MIXED.decode([(number % 997) / 997, 0.3, 0.6, 0.9, 0.4, number / 12_500])
            caller.add(point, TrialState.SUCCEEDED, {"filler": "x" * 700}, [0.5])
        assert sum(request.ByteSize() for request in caller.stream(1)) > 10 * 2**20
        assert len(caller.ask(service.channel, 2).suggestions) == 2
        caller.move(0, TrialState.RUNNING)
        assert len(caller.ask(service.channel, 2).suggestions) == 2
        assert caller.refusals == 0

    def test_evicted_studies_are_streamed_again(self) -> None:
        with ServiceProcess(["--max-studies", "1"]) as process:
            one, other = Caller(make_spec("sobol", MIXED), "one"), Caller(make_spec("random", MIXED), "other")
            for _ in range(3):
                one.run(process.channel, 2)
                other.run(process.channel, 2)
        assert one.refusals == other.refusals == 1  # not at the first and the second call, which begin at 0
        unbroken = Study(make_spec("sobol", MIXED))
        unbroken.run(6)
        assert one.keys == unbroken.keys

    def test_calls_at_once_are_served_one_after_the_other(self, service: ServiceProcess) -> None:
        """All have the base 0, so all are right, and all must be the same."""
        caller = Caller(make_spec("sobol", FINITE), "many calls")
        answers: list[messages.SuggestResponse] = []
        header = caller.header(10)
        threads = [threading.Thread(target=lambda: answers.append(suggest(service.channel, header))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 12
        assert all(answer == answers[0] for answer in answers)


class TestKills:
    def test_killed_between_any_two_calls(self) -> None:
        callers = [Caller(make_spec(name, FINITE, trials=20), name) for name in NAMES if pure(name)]
        with ServiceProcess() as process:
            for size in (1, 4, 11, 9):
                responses = [caller.run(process.channel, size) for caller in callers]
                for caller in callers:
                    assert caller.ask(process.channel, 1) == caller.ask(process.channel, 1)
                process.restart()
        for caller in callers:
            unbroken = Study(caller.spec)
            unbroken.run(FINITE_COUNT)
            assert caller.keys == unbroken.keys
        assert {response.status for response in responses} == {messages.SUGGEST_STATUS_EXHAUSTED}

    def test_the_answer_of_a_restarted_service_is_the_same(self) -> None:
        callers = [Caller(make_spec(name, MIXED), name) for name in NAMES]
        with ServiceProcess() as process:
            for caller in callers:
                caller.run(process.channel, 5)
                for number, state in enumerate(list(TrialState)[1:6]):
                    caller.move(number, state)
            before = [caller.ask(process.channel, 4) for caller in callers]
            process.restart()
            assert [caller.ask(process.channel, 4) for caller in callers] == before

    def test_a_caller_that_goes_away_leaves_the_study_usable(self, service: ServiceProcess, caller: Caller) -> None:
        for number in range(3000):
            caller.add(MIXED.decode([number / 3000, 0.3, 0.6, 0.9, 0.4, 0.1]), TrialState.SUCCEEDED)
        for wait in (0.001, 0.02, 0.05, 0.1):
            call = service.stub.Suggest.future(caller.stream(3), timeout=30)
            time.sleep(wait)
            call.cancel()
        assert len(caller.ask(service.channel, 3).suggestions) == 3
