"""What `tunesmith init` writes."""

STUDY = """\
# A StudyJob: what is tuned, and how. `tunesmith validate` checks it, `tunesmith schema` has every field.
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata:
  name: NAME
spec:
  # The metric that trials report and which way it is better. With `goal` the study ends as soon as a trial reaches it.
  objective: {metric: loss, type: minimize, goal: 0.001}

  # What is searched. Types: double, int, discrete, categorical.
  parameters:
    - {name: rate, type: double, min: 0.001, max: 1, distribution: logUniform}
    - {name: momentum, type: double, min: 0, max: 0.95}
    - {name: method, type: categorical, values: [plain, nesterov]}

  # `tunesmith algorithms` lists them; auto chooses one that suits the space and the limits.
  algorithm: {name: auto}

  limits:
    trials: 30     # in all
    parallel: 2    # at the same time
    failed: 3      # the study ends when more have failed
    # duration: 1h
    # trialDuration: 5m

  # How one trial runs. It is no shell: each argument is one text, in which ${params.NAME} is replaced.
  trial:
    command:
      - python
      - train.py
      - --rate=${params.rate}
      - --momentum=${params.momentum}
      - --method=${params.method}
    workingDir: .  # relative to this file

  # Metrics are found in what the trial prints, as name=value. A Python trial may call tunesmith.report() instead.
  collector: {kind: stdout}
"""

TRAIN = '''\
"""Gradient descent on a curved valley, in place of a real training. Put your own in its place: print name=value."""

import argparse

STEPS = 200


def gradient(x: float, y: float) -> tuple[float, float]:
    """Of (1 - x)^2 + 10 (y - x^2)^2, whose lowest point is (1, 1)."""
    return -2 * (1 - x) - 40 * x * (y - x * x), 20 * (y - x * x)


def train(rate: float, momentum: float, method: str) -> None:
    """Descend, and report the loss ten times on the way."""
    rate /= 50
    x, y, speed_x, speed_y = -1.0, 1.0, 0.0, 0.0
    for step in range(1, STEPS + 1):
        ahead = momentum if method == "nesterov" else 0.0
        slope_x, slope_y = gradient(x + ahead * speed_x, y + ahead * speed_y)
        speed_x, speed_y = momentum * speed_x - rate * slope_x, momentum * speed_y - rate * slope_y
        x, y = max(-9.0, min(9.0, x + speed_x)), max(-9.0, min(9.0, y + speed_y))
        if step % (STEPS // 10) == 0:
            loss = (1 - x) ** 2 + 10 * (y - x * x) ** 2
            print(f"loss={loss:.6g}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    parser.add_argument("--method", choices=["plain", "nesterov"], required=True)
    options = parser.parse_args()
    train(options.rate, options.momentum, options.method)
'''
