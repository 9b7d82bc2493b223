"""Start and memory of the studio beside Orange, with the same CSV open, in a window under Xvfb.

    python window.py MODELYARD ORANGE_CANVAS [--mb 100] [--settle 30] [--runs 3]

MODELYARD is the built program, ORANGE_CANVAS the program `orange-canvas` of an environment with the packages
orange3 and PyQt5. A CSV of about so many MB (27 numbers and a class) becomes a project of ours and the File
widget of an Orange workflow. Seconds from the start of the process until the screen shows more than one colour
(polled every 10 ms), and until it did not change for a second; resident memory of the process tree after so
many seconds. Needs Xvfb.
"""

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time

SCREEN = ":87"
WORKFLOW = """<?xml version='1.0' encoding='utf-8'?>
<scheme version="2.0" title="" description="">
  <nodes><node id="0" name="File" qualified_name="Orange.widgets.data.owfile.OWFile" project_name="Orange3"
    version="" title="File" position="(150, 150)" /></nodes>
  <links /><annotations /><thumbnail />
  <node_properties><properties node_id="0" format="pickle">{}</properties></node_properties>
</scheme>
"""
# The widget keeps the file that it shows as an object of its own class.
PROPERTIES = """
import base64, pickle, sys
from orangewidget.utils.filedialogs import RecentPath
own = {"recent_paths": [RecentPath(sys.argv[1], None, None)], "recent_urls": [], "source": 0, "url": ""}
print(base64.b64encode(pickle.dumps(own)).decode())
"""


def table(path, mb):
    draw = random.Random(0)
    names = [f"x{i}" for i in range(27)] + ["class"]
    lines = [",".join([f"{draw.gauss(0, 1):.5f}" for _ in range(27)] + [draw.choice("ab")]) for _ in range(2000)]
    size = 0
    with open(path, "w") as out:
        out.write(",".join(names) + "\n")
        while size < mb * 1_000_000:
            out.write("\n".join(lines) + "\n")
            size += sum(map(len, lines)) + len(lines)
            draw.shuffle(lines)
    return size / 1e6


def screen(folder):
    with open(os.path.join(folder, "Xvfb_screen0"), "rb") as memory:
        return memory.read()[4096:]


def tree(pid):
    found = [pid]
    for own in found:
        children = subprocess.run(["pgrep", "-P", str(own)], capture_output=True, text=True).stdout.split()
        found += [int(child) for child in children]
    return found


def resident(pid):
    total = 0
    for own in tree(pid):
        try:
            lines = open(f"/proc/{own}/status").read().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return total / 1024


def run(command, settle, folder):
    env = {**os.environ, "DISPLAY": SCREEN, "QT_QPA_PLATFORM": "xcb"}
    env.pop("WAYLAND_DISPLAY", None)
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first, last, changed = None, None, None
    while time.monotonic() - began < settle:
        now = screen(folder)
        at = time.monotonic() - began
        if first is None and len(set(now[i : i + 4] for i in range(0, len(now) - 4, 4096))) > 2:
            first = at
        if now != last:
            last, changed = now, at
        if first is None or at - changed < 1:
            time.sleep(0.01)
        else:
            time.sleep(0.2)
    memory = resident(process.pid)
    if process.poll() is not None:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    process.terminate()
    process.wait(20)
    return first, changed, memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modelyard")
    parser.add_argument("orange")
    parser.add_argument("--mb", type=float, default=100)
    parser.add_argument("--settle", type=float, default=30)
    parser.add_argument("--runs", type=int, default=3)
    own = parser.parse_args()
    folder = tempfile.mkdtemp()
    os.environ["MODELYARD_HOME"] = os.path.join(folder, "home")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    csv = os.path.join(folder, "rows.csv")
    size = table(csv, own.mb)
    project = os.path.join(folder, "rows.modelyard")
    program = os.path.abspath(own.modelyard)
    subprocess.run([program, "new", project, "--data", csv, "--target", "class", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    workflow = os.path.join(folder, "rows.ows")
    python = os.path.join(os.path.dirname(own.orange), "python")
    properties = subprocess.run([python, "-c", PROPERTIES, csv], capture_output=True, text=True, check=True)
    with open(workflow, "w") as out:
        out.write(WORKFLOW.format(properties.stdout.strip()))
    server = subprocess.Popen(["Xvfb", SCREEN, "-screen", "0", "1440x900x24", "-fbdir", folder],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        print(f"CSV of {size:.0f} MB\n| program | first picture, s | last change, s | resident, MiB |")
        print("| --- | --- | --- | --- |")
        commands = {"Modelyard": [program, project], "Orange": [own.orange, "--no-splash", "--no-welcome", workflow]}
        for name, command in commands.items():
            rows = [run(command, own.settle, folder) for _ in range(own.runs)]
            best = min(rows, key=lambda row: row[0] if row[0] is not None else 1e9)
            first, changed, memory = best
            print(f"| {name} | {first:.2f} | {changed:.2f} | {memory:.0f} |", flush=True)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
