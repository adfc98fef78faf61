"""Take the pictures of the dashboard that the README shows: `python docs/screenshots.py`.

Runs two studies in a temporary folder, one of them on real data, and opens their pages in Chromium. Needs the extras
`examples`, `ui` and `test`, and Chromium at /usr/bin/chromium (or CHROMIUM).
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
IMAGES = HERE / "images"
DIGITS = HERE.parent / "examples" / "digits" / "study.yaml"
SIZE = {"width": 1280, "height": 860}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
SETTLED = 2500
"""Milliseconds after which a figure is drawn."""
PICTURES = [
    ("dashboard-study", "/studies/default/digits", "light"),
    ("dashboard-parallel", "/studies/default/digits/parallel", "dark"),
    ("dashboard-curves", "/studies/default/curves/curves", "light"),
]

CURVES = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: curves}
spec:
  objective: {metric: loss, type: minimize, strategy: latest}
  parameters:
    - {name: rate, type: double, min: 0.001, max: 1, distribution: logUniform}
    - {name: momentum, type: double, min: 0, max: 0.99}
  algorithm: {name: tpe, settings: {seed: 3}}
  earlyStopping: {name: median}
  limits: {trials: 30, parallel: 3}
  trial: {command: [python, train.py]}
"""
TRAIN = """
import math, time, tunesmith
p = tunesmith.params()
off = abs(math.log10(p["rate"]) + 1.5) + abs(p["momentum"] - 0.8)
for epoch in range(40):
    tunesmith.report(epoch, loss=0.1 * off + math.exp(-epoch / (4 + 4 * off)) + 0.01 * math.sin(7 * epoch + 9 * off))
    if tunesmith.should_stop():
        break
    time.sleep(0.05)
"""


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "curves.yaml").write_text(CURVES)
        Path(folder, "train.py").write_text(TRAIN)
        tunesmith(folder, "run", str(DIGITS), "--trials", "40")
        tunesmith(folder, "run", "curves.yaml")
        with dashboard(folder) as address, sync_playwright() as playwright:
            chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for name, path, theme in PICTURES:
                take(browser, address + path, theme, IMAGES / f"{name}.png")


def tunesmith(folder: str, *words: str) -> None:
    """Run a command to its end."""
    subprocess.run([sys.executable, "-m", "tunesmith.client", *words], cwd=folder, check=True)


@contextmanager
def dashboard(folder: str) -> Iterator[str]:
    """Its address, as long as the block lasts."""
    command = [sys.executable, "-m", "tunesmith.ui", "serve", "--listen", "127.0.0.1:0", "--no-login"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()


def take(browser: Browser, address: str, theme: str, file: Path) -> None:
    """Open a page, wait until its figure is drawn, and keep what is seen."""
    page = browser.new_page(viewport=SIZE, color_scheme="dark" if theme == "dark" else "light")
    page.goto(address)
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=file)
    page.close()


if __name__ == "__main__":
    main()
