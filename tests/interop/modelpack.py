"""Runs the reader of docs/ on packages: python modelpack.py M.modelpack.. ends with 1 when an example differs."""

import pathlib
import subprocess
import sys

READER = pathlib.Path(__file__).parents[2] / "docs" / "modelpack_reader.py"


def check(path):
    done = subprocess.run([sys.executable, READER, path], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout or done.stderr).strip().splitlines()[-1]


if __name__ == "__main__":
    assert len(READER.read_text().splitlines()) <= 50
    results = [check(path) for path in sys.argv[1:]]
    print(*results, sep="\n")
    sys.exit(0 if results and all(ok for ok, _ in results) else 1)
