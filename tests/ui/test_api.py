"""The data under /api/v1, against a manager in a process of its own."""

import asyncio
import csv
import io
import json
from typing import Any

import httpx
import pytest
from tests.running import Running, job
from tests.ui.conftest import Make

API = "/api/v1"
PAUSED: dict[str, Any] = {
    "script": "import time; print('loss=1', flush=True); time.sleep(60)",
    "limits": {"trials": 5, "parallel": 1},
}


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(API + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_studies_are_named_and_told_as_the_command_tells_them(dashboard: Make, manager: Running) -> None:
    found = await get(dashboard(), "/studies", limit=1000)
    assert found["total"] == len(found["items"])
    by_name = {one["name"]: one for one in found["items"]}
    assert by_name["first"] == manager.house.json("get", "study", "first")
    assert await get(dashboard(), "/studies/default/first") == by_name["first"]


async def test_studies_are_chosen_and_paged(dashboard: Make) -> None:
    client = dashboard()
    assert [one["name"] for one in (await get(client, "/studies", search="seco rand"))["items"]] == ["second"]
    assert (await get(client, "/studies", state="Paused", search="first"))["total"] == 0
    assert (await get(client, "/studies", label="team=nobody"))["total"] == 0
    assert (await get(client, "/studies", namespace="elsewhere"))["total"] == 0
    page = await get(client, "/studies", offset=1, limit=1, search="random")
    assert len(page["items"]) == 1


async def test_trials_are_told_as_the_command_tells_them(dashboard: Make, manager: Running) -> None:
    found = await get(dashboard(), "/studies/default/second/trials")
    assert found["items"] == manager.house.json("get", "trials", "second")
    one = await get(dashboard(), "/studies/default/second/trials/1")
    assert {key: one[key] for key in found["items"][1]} == found["items"][1]
    assert [attempt["ending"] for attempt in one["attemptDetails"]] == ["exited"]


async def test_trials_are_sorted_searched_and_paged(dashboard: Make) -> None:
    client, path = dashboard(), "/studies/default/second/trials"
    up = [one["assignment"]["x"] for one in (await get(client, path, sort="params.x"))["items"]]
    down = [one["assignment"]["x"] for one in (await get(client, path, sort="params.x", order="desc"))["items"]]
    assert up == sorted(up) == down[::-1]
    assert [one["number"] for one in (await get(client, path, search="#1"))["items"]] == [1]
    page = await get(client, path, offset=1, limit=1)
    assert (page["total"], [one["number"] for one in page["items"]]) == (2, [1])
    ranged = await get(client, path, range=[f"params.x:{min(up)!r}..{min(up)!r}", "value:2..2"])
    assert ([one["assignment"]["x"] for one in ranged["items"]], ranged["total"]) == ([min(up)], 1)
    wrong = await client.get(API + path, params={"sort": "beauty"})
    assert wrong.status_code == 422
    assert wrong.json()["mistakes"][0]["path"] == "order_by"
    assert "must be one of number" in wrong.json()["detail"]


async def test_records_of_a_trial(dashboard: Make) -> None:
    client, path = dashboard(), "/studies/default/second/trials/0"
    rows = await get(client, f"{path}/observations")
    assert {row["metric"]: row["value"] for row in rows["items"]} == {"loss": 2.0, "depth": 3.0}
    log = await client.get(f"{API}{path}/logs")
    assert log.text == "loss=2\ndepth=3\n"
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    events = await get(client, "/studies/default/second/events", trial="0")
    assert events["items"][0]["state"] == "Succeeded"
    assert (await get(client, "/studies/default/second/decisions"))["items"] == []


async def test_export_gives_every_trial_as_a_file(dashboard: Make) -> None:
    answer = await dashboard().get(f"{API}/studies/default/second/export")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["number"] for row in rows] == ["0", "1"]
    assert rows[0]["metrics.depth"] == "3.0"
    assert answer.headers["content-disposition"] == 'attachment; filename="second.csv"'
    as_json = await dashboard().get(f"{API}/studies/default/second/export", params={"format": "json", "search": "#1"})
    assert [one["number"] for one in as_json.json()] == [1]


async def test_a_study_is_checked_created_steered_and_deleted(dashboard: Make) -> None:
    client, document = dashboard(), {"document": json.dumps(job("steered", **PAUSED))}
    assert (await client.post(f"{API}/documents/validate", json=document)).json()["mistakes"] == []
    made = await client.post(f"{API}/studies", json=document)
    assert (made.status_code, made.json()["study"]["name"]) == (201, "steered")
    assert (await client.post(f"{API}/studies", json=document)).status_code == 409
    path = f"{API}/studies/default/steered"
    assert (await client.post(f"{path}/pause")).json()["state"] == "Paused"
    edited = await client.patch(path, json={"limits": {"trials": 9}, "labels": {"team": "vision"}})
    assert edited.json()["labels"] == {"team": "vision"}
    shown = (await client.get("/studies/default/steered/document", headers={"accept": "text/html"})).text
    assert (
        '<code>spec.limits.trials</code></td><td class="wide"><del>5</del></td><td class="wide"><ins>9</ins>' in shown
    )
    wrong = await client.patch(path, json={"limits": {"trials": -1}})
    assert (wrong.status_code, wrong.json()["mistakes"][0]["path"]) == (422, "spec.limits.trials")
    queued = await client.post(f"{path}/trials", json={"assignments": [{"x": 0.5}]})
    assert (queued.status_code, queued.json()["items"][0]["assignment"]) == (201, {"x": 0.5})
    assert (await client.post(f"{path}/resume")).json()["state"] == "Running"
    assert (await client.post(f"{path}/stop", json={"interrupt": True})).json()["state"] == "Paused"
    assert (await client.post(f"{path}/stop")).status_code == 200
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_a_change_that_comes_twice_under_an_id_happens_once(dashboard: Make, manager: Running) -> None:
    client = dashboard()
    manager.create("repeated", **PAUSED)
    path, headers = f"{API}/studies/default/repeated", {"x-request-id": "the-same"}
    given = {"assignments": [{"x": 0.25}]}
    first, second = [await client.post(f"{path}/trials", json=given, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    await client.delete(path)


async def test_mistakes_stand_at_their_lines(dashboard: Make) -> None:
    text = "apiVersion: tunesmith.dev/v1\nkind: StudyJob\nmetadata: {name: x}\nspec:\n  objective: {metric: a}\n"
    found = (await dashboard().post(f"{API}/documents/validate", json={"document": text})).json()["mistakes"]
    assert {"path": "spec.objective.type", "line": 5} in [{"path": one["path"], "line": one["line"]} for one in found]
    refused = await dashboard().post(f"{API}/studies", json={"document": text})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["mistakes"] == found


async def test_mistakes_that_the_algorithm_finds_stand_at_their_lines_too(dashboard: Make) -> None:
    document = json.dumps(job("x", algorithm={"name": "random", "settings": {"sed": 1}}), indent=1)
    line = next(number for number, text in enumerate(document.split("\n"), 1) if '"sed"' in text)
    found = (await dashboard().post(f"{API}/documents/validate", json={"document": document})).json()["mistakes"]
    assert [(one["path"], one["line"]) for one in found] == [("spec.algorithm.settings.sed", line)]


async def test_what_documents_may_name(dashboard: Make) -> None:
    client = dashboard()
    assert {"random", "gp"} <= {one["name"] for one in await get(client, "/algorithms")}
    assert {"median"} <= {one["name"] for one in await get(client, "/rules")}
    assert (await get(client, "/schema"))["type"] == "object"


async def test_a_stream_tells_the_study_and_ends_with_it(dashboard: Make) -> None:
    answer = await dashboard().get(f"{API}/studies/default/first/stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    kinds = [line.removeprefix("event: ") for line in answer.text.split("\n") if line.startswith("event: ")]
    assert kinds == ["study", "end"]


async def test_a_log_is_streamed(dashboard: Make) -> None:
    answer = await dashboard().get(f"{API}/studies/default/first/trials/0/logs/stream")
    told = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
    assert told[0] == {"text": "loss=1\n"}


async def test_many_viewers_hear_of_one_study(dashboard: Make) -> None:
    client = dashboard()
    answers = await asyncio.gather(*(client.get(f"{API}/studies/default/first/stream") for _ in range(20)))
    assert {answer.text for answer in answers} == {answers[0].text}


@pytest.mark.parametrize(
    "path",
    [
        "/studies/default/nobody",
        "/studies/default/first/trials/99",
        "/studies/default/first/figures/beauty",
        "/studies/default/first/figures/curves?trial=99",
        "/nothing",
    ],
)
async def test_problems_are_told_as_documents(dashboard: Make, path: str) -> None:
    answer = await dashboard().get(API + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "status", "detail", "mistakes"}


async def test_every_number_is_finite_or_null(dashboard: Make, manager: Running) -> None:
    manager.create("wild", script="print('loss=nan')\nprint('loss=1')\nprint('loss=inf')")
    manager.ended("wild")
    answer = await dashboard().get(f"{API}/studies/default/wild/trials/0/observations")
    rows = json.loads(answer.text, parse_constant=pytest.fail)
    assert [(row["value"], row["kind"]) for row in rows["items"]] == [(None, "nan"), (1.0, "finite"), (None, "inf")]
