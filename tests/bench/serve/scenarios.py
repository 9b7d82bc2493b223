"""What our server is put through beyond speed: memory, many models, swaps, overload, a bad canary."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

import bodies
from servers import Yard, cpu_seconds, resident_mb


class Bench:
    """The binaries, the packages and the load generator."""

    def __init__(self, args, work):
        self.args, self.work = args, pathlib.Path(work)
        self.good, self.bad = self.work / "good.modelpack", self.work / "bad.modelpack"
        self.second, self.watched = self.work / "second.modelpack", self.work / "watched.modelpack"
        self.row = bodies.rows(1)[0]

    def generate(self, addr, path, file, token="", grpc=False, **options):
        words = [self.args.loadgen, "--addr", addr, "--path", path, "--bodies", str(file), "--token", token]
        words += ["--grpc"] if grpc else []
        for name, value in options.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    def measured(self, pid, *words, **options):
        before = cpu_seconds(pid)
        out = self.generate(*words, **options)
        out["cpu"] = cpu_seconds(pid) - before
        out["per_cpu"] = out["good"] / max(out["cpu"], 1e-9)
        return out

    def yard(self, name, packages, *more, **options):
        store = self.work / f"store-{name}"
        shutil.rmtree(store, ignore_errors=True)
        return Yard(self.args.yard_serve, store, packages, *more, **options)

    def predict(self, yard, file, **options):
        path = "/v1/models/bench:predict"
        return self.measured(yard.pid, yard.addr, path, file, token=yard.tokens["infer"], **options)


def memory(bench, file, audit):
    """Resident memory with one model and 64 connections in use."""
    yard = bench.yard("memory", [bench.good], *([] if audit else ["--no-log"]), grpc=False)
    yard.open("bench", bodies.records(bench.row))
    try:
        done = {}
        thread = threading.Thread(
            target=lambda: done.update(bench.predict(yard, file, connections=64, seconds=4, rate=4_000)))
        thread.start()
        seen = []
        while thread.is_alive():
            time.sleep(0.1)
            seen.append(resident_mb(yard.pid))
        thread.join()
        return max(seen), done
    finally:
        yard.stop()


def many_models(bench, count=100):
    """Resident memory with this many models, each of which has answered."""
    yard = bench.yard("many", sorted((bench.work / "many").glob("*.modelpack"))[:count], grpc=False)
    # The packages are loaded in order: the last one answers last.
    yard.open(f"bench{count - 1:03}", bodies.records(bench.row))
    try:
        from servers import post
        for index in range(count):
            post(f"{yard.url}/v1/models/bench{index:03}:predict", bodies.records(bench.row), token=yard.tokens["infer"])
        return resident_mb(yard.pid)
    finally:
        yard.stop()


def swaps(bench, count=200, least=1_000_000, connections=16):
    """Swaps between two versions under a closed loop: each answer must be that of one of the two, bit by bit."""
    rows = bodies.rows(64)
    file = bodies.write(bench.work / "swaps.bin", [bodies.records(row, f"r-{n}") for n, row in enumerate(rows)])
    yard = bench.yard("swaps", [bench.good], grpc=False)
    yard.open("bench", bodies.records(bench.row))
    upload = "/manage/models/bench/versions"
    try:
        other = yard.manage(upload, bench.second.read_bytes(), "application/octet-stream")["version"]
        known = set()
        for version in (other, 1):
            yard.manage("/manage/models/bench/route", {"stable": version})
            calm = bench.predict(yard, file, connections=connections, seconds=4, digests=True)
            known |= set(calm["digests"])
        done = {}
        options = {"connections": connections, "seconds": 600, "requests": least, "digests": True}
        thread = threading.Thread(target=lambda: done.update(bench.predict(yard, file, **options)))
        thread.start()
        swapped = 0
        while thread.is_alive():
            if swapped < count:
                yard.manage("/manage/models/bench/route", {"stable": other if swapped % 2 == 0 else 1})
                swapped += 1
            time.sleep(0.04)
        thread.join()
        done["swaps"], done["calm"] = swapped, calm
        done["foreign"] = len(set(done["digests"]) - known)
        return done
    finally:
        yard.stop()


def overload(bench):
    """Five times the capacity, open loop, for requests of 200 rows; server and generator on a core each."""
    rows = bodies.rows(200)
    file = bodies.write(bench.work / "overload.bin", [bodies.records(rows)])
    yard = bench.yard("overload", [bench.good], "--threads", "1", grpc=False)
    yard.open("bench", bodies.records(bench.row))
    cores = sorted(os.sched_getaffinity(0))
    try:
        subprocess.run(["taskset", "-apc", str(cores[0]), str(yard.pid)], check=True, capture_output=True)
        os.sched_setaffinity(0, cores[1:] or cores)
        peak = bench.predict(yard, file, connections=16, seconds=5)
        memory_before = resident_mb(yard.pid)
        seen, done = [], {}
        options = {"connections": 1500, "seconds": 8, "rate": 5 * peak["rate"]}
        thread = threading.Thread(target=lambda: done.update(bench.predict(yard, file, **options)))
        thread.start()
        while thread.is_alive():
            time.sleep(0.1)
            seen.append(resident_mb(yard.pid))
        thread.join()
        began = time.perf_counter()
        while True:
            calm = bench.predict(yard, file, connections=1, requests=20, seconds=5)
            if calm["ms"]["p50"] is not None and calm["ms"]["p50"] < 3 * peak["ms"]["p50"]:
                break
        recovery = time.perf_counter() - began
        return peak, done, (memory_before, max(seen)), recovery
    finally:
        os.sched_setaffinity(0, cores)
        yard.stop()


def bad_canary(bench, seed):
    """Requests that the canary answered or refused until it was rolled back; a fifth of them fail there."""
    rows = bodies.rows(4_000, seed, words=0.2)
    yard = bench.yard("canary", [bench.watched], grpc=False)
    yard.open("watched", bodies.records(bench.row))
    from servers import post
    try:
        version = yard.manage("/manage/models/watched/versions", bench.bad.read_bytes(), "application/octet-stream")["version"]
        route = {"stable": 1, "canary": {"version": version, "percent": 10}}
        yard.manage("/manage/models/watched/route", route)
        sent, began = 0, time.perf_counter()
        for index, row in enumerate(rows):
            try:
                post(f"{yard.url}/v1/models/watched:predict", bodies.records(row, f"k{seed}-{index}"),
                     token=yard.tokens["infer"])
            except OSError:
                pass
            sent += 1
            if index % 20 == 19:
                model = yard.manage_get("/manage/models/watched")
                if model["canary"] is None:
                    break
        shown = yard.manage_get("/manage/models/watched/rollout")
        ended = shown["events"][0]["kind"] == "rolled_back"
        return ended, shown["evidence"]["canary"]["requests"], sent, time.perf_counter() - began
    finally:
        yard.stop()
