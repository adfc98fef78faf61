"""Algorithms that are not ours: the examples of a package and of servers, and one that raises."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from tests.house import ROOT, House, until
from tests.packages import install, pip_install

EXAMPLES = ROOT / "examples"


def study(house: House, example: str, **algorithm: str) -> str:
    """The study of an example, whose service listens elsewhere; gives its file's name."""
    text = (EXAMPLES / example / "study.yaml").read_text()
    for key, value in algorithm.items():
        text = text.replace(key, value)
    house.write("study.yaml", text)
    return "study.yaml"


def test_a_package_is_offered_like_ours(house: House) -> None:
    pip_install(EXAMPLES / "algorithm-package", house.folder / "packages")
    assert "annealing" not in {one["name"] for one in house.json("algorithms")}
    find(house, str(house.folder / "packages"))
    annealing = house.json("algorithms", "annealing")
    assert [setting["name"] for setting in annealing["settings"]] == ["width", "cooling", "seed"]
    assert annealing["learns"] is True
    house("run", study(house, "algorithm-package"))
    found, trials = house.json("get", "study", "annealed"), house.json("get", "trials", "annealed")
    assert (found["state"], found["algorithm"], found["trials"]["succeeded"]) == ("Succeeded", "annealing", 16)
    assert "a step from trial" in explanation(house, trials[-1])


def find(house: House, path: str) -> None:
    """Let the house's programs find what is installed there."""
    house.env["PYTHONPATH"] = os.pathsep.join([path, *filter(None, [os.environ.get("PYTHONPATH")])])


@contextmanager
def serving(command: list[str], env: dict[str, str]) -> Iterator[str]:
    """A service of somebody else's; gives the port that it says, and kills it in the end."""
    server = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        said = server.stdout.readline()
        assert said.startswith("serving at port "), said
        yield said.split()[-1]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_server_made_from_the_proto_files_alone(house: House) -> None:
    stubs = house.folder / "stubs"
    stubs.mkdir()
    protos = ["tunesmith/v1/types.proto", "tunesmith/v1/suggestion.proto"]
    generate = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"), f"--python_out={stubs}"]
    subprocess.run([*generate, f"--grpc_python_out={stubs}", *protos], check=True)
    # -I would hide PYTHONPATH; -S hides the installed package, and the path names gRPC's own folder again.
    env = {**house.env, "PYTHONPATH": os.pathsep.join([str(stubs), str(Path(grpc.__file__).parents[1])])}
    command = [sys.executable, "-S", str(EXAMPLES / "algorithm-server" / "server.py")]
    with serving([*command, "127.0.0.1:0"], env) as port:
        file = study(house, "algorithm-server", **{"6790": port})
        house("run", file, "--trials", "6")
    with serving([*command, f"127.0.0.1:{port}"], env):  # it was killed, and lost nothing
        house("run", file)
    trials = house.json("get", "trials", "stepping")
    assert [trial["state"] for trial in trials] == ["Succeeded"] * 12
    assert all(-2 <= trial["assignment"][name] <= 2 for trial in trials for name in "xy")
    # Of those before the last trial, one at most had not ended yet when that was asked for.
    best, second, *_ = sorted(trials[:-1], key=lambda trial: float(trial["value"]))
    known = [f"a step from trial {trial['number']}" for trial in (best, second)]
    assert explanation(house, trials[-1]) in known


RAISING = """
from tunesmith.suggestion import AlgorithmDescription, Answer, Capabilities, Explanation, Points, Suggestion, register


@register
class Raising:
    description = AlgorithmDescription("raising", "Is broken.", "", "", capabilities=Capabilities(uses_values=True))

    def check(self, spec, settings):
        return []

    def suggest(self, study, names):
        points, suggestions = Points(study), []
        for name, number in names:
            if number == 2:
                raise ZeroDivisionError(f"nothing is left of trial {number}")
            suggestions.append(Suggestion(name, points.draw(number).assignment, Explanation("raising", "drawn")))
        return Answer(tuple(suggestions))
"""
SERVER = """
from concurrent import futures
import grpc
from tunesmith.v1 import suggestion_pb2 as pb, suggestion_pb2_grpc as rpc, types_pb2 as types


class Broken(rpc.SuggestionServiceServicer):
    def Describe(self, request, context):
        return pb.DescribeResponse(algorithms=[types.AlgorithmDescription(name="broken")])

    def Validate(self, request, context):
        return pb.ValidateResponse()

    def Suggest(self, requests, context):
        raise ImportError("no module named scipy")


server = grpc.server(futures.ThreadPoolExecutor(2))
rpc.add_SuggestionServiceServicer_to_server(Broken(), server)
print("serving at port", server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""
PACKAGE = """
[project]
name = "raising"
version = "1"
[project.entry-points."tunesmith.algorithms"]
raising = "raising"
"""
JOB: dict[str, Any] = {
    "objective": {"metric": "loss", "type": "minimize"},
    "parameters": [{"name": "x", "type": "double", "min": 0, "max": 1}],
    "limits": {"trials": 6},
    "trial": {"command": ["sh", "-c", "sleep 0.2; echo loss=${params.x}"]},
}


def test_an_algorithm_that_raises_ends_its_own_study_only(house: House) -> None:
    house.write("raising.py", RAISING)
    house.write("pyproject.toml", PACKAGE)
    find(house, install(house.folder))
    submit(house, {"name": "raising"})
    submit(house, {"name": "random"})
    broken, healthy = (until(partial(ended, house, name)) for name in ("raising", "random"))
    why = "the algorithm failed: ZeroDivisionError: nothing is left of trial 2"
    assert (broken["state"], broken["reason"], broken["message"]) == ("Failed", "algorithmFailed", why)
    assert broken["trials"]["succeeded"] == broken["trials"]["total"] == 2
    assert (healthy["state"], healthy["trials"]["succeeded"]) == ("Succeeded", 6)
    assert (house.folder / ".tunesmith" / "suggestion.log").read_text().count("Suggest failed") == 1
    assert why in house("run", "raising.json", check=1).stdout


def test_a_server_that_raises_ends_the_study_that_asked(house: House) -> None:
    house.write("broken.py", SERVER)
    with serving([sys.executable, str(house.folder / "broken.py")], house.env) as port:
        submit(house, {"name": "broken", "endpoint": f"127.0.0.1:{port}"})
        submit(house, {"name": "random"})
        broken, healthy = (until(partial(ended, house, name)) for name in ("broken", "random"))
    assert (broken["state"], broken["reason"]) == ("Failed", "algorithmFailed")
    assert "no module named scipy" in broken["message"]
    assert (healthy["state"], healthy["trials"]["succeeded"]) == ("Succeeded", 6)


def submit(house: House, algorithm: dict[str, str]) -> None:
    """A study by the name of its algorithm."""
    name, spec = algorithm["name"], {**JOB, "algorithm": algorithm}
    job = {"apiVersion": "tunesmith.dev/v1", "kind": "StudyJob", "metadata": {"name": name}, "spec": spec}
    house("submit", str(house.write(f"{name}.json", json.dumps(job))))


def ended(house: House, name: str) -> Any:
    """The study when it has ended."""
    found = house.json("get", "study", name)
    return found if found["finished"] else None


def explanation(house: House, trial: Any) -> str:
    return str(house.json("describe", "trial", trial["name"])["explanation"])
