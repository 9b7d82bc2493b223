"""Measures the model server beside FastAPI with ONNX Runtime, MLServer, MLflow and BentoML, in one run.

    python tests/bench/serve/run.py --modelyard BIN --yard-serve BIN --loadgen BIN [--envs DIR] [--work DIR]
        [--only speed,memory,many,swaps,overload,canary] [--peers fastapi,..] [--seconds 6]

The load generator is an example of the server's crate:

    cargo build --release -p yard_serve --bins --example loadgen

Single rows as JSON, 100 trees of 31 leaves on 28 fields, request log and sketches on. Peers are installed from PyPI
into DIR, each into an environment of its own; one that can't be installed or started is named and left out.
"""

import argparse
import datetime
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import bodies
import contenders
import scenarios

TREES = ["--family", "boosting", "--param", "trees=100", "--param", "leaves=31", "--param", "early_stopping=0"]


def modelyard(args, *words):
    done = subprocess.run([args.modelyard, *map(str, words), "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"modelyard {' '.join(map(str, words))}: {done.stderr.strip()}")


def package(args, folder, name, data, out, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    project = folder / f"{name}.modelyard"
    modelyard(args, "new", project, "--data", data, "--target", "target", "--positive", "yes")
    modelyard(args, "train", project, *TREES, "--seed", seed)
    modelyard(args, "package", project, "--out", out)


def prepare(args, work):
    """Packages and the exports that peers read."""
    bodies.table(work / "missing.csv", 1, True)
    bodies.table(work / "whole.csv", 2)
    bodies.table(work / "words.csv", 4, words=True)
    package(args, work / "p1", "bench", work / "missing.csv", work / "good.modelpack")
    package(args, work / "p2", "bench", work / "missing.csv", work / "second.modelpack", seed=1)
    # The first field holds words for one and numbers for the other, which refuses rows with words.
    package(args, work / "p3", "watched", work / "words.csv", work / "watched.modelpack")
    package(args, work / "p4", "watched", work / "whole.csv", work / "bad.modelpack")
    for name in ("onnx", "lightgbm", "mlflow"):
        if not (work / name).exists():
            modelyard(args, "export", work / "good.modelpack", "--to", name, "--out", work / name)
    if "many" in args.only:
        (work / "many").mkdir()
        bodies.table(work / "small.csv", 3, True, rows=4_000)
        for index in range(100):
            name = f"bench{index:03}"
            package(args, work / "projects", name, work / "small.csv", work / "many" / f"{name}.modelpack")


def speed_of(bench, name, target, seconds, pid):
    """16 connections and one, over the given (address, path, bodies, token, options)."""
    addr, path, file, token, options = target
    bench.generate(addr, path, file, token, connections=16, seconds=1, **options)
    many = bench.measured(pid, addr, path, file, token=token, connections=16, seconds=seconds, **options)
    one = bench.measured(pid, addr, path, file, token=token, connections=1, seconds=seconds, **options)
    if many["failures"] or one["failures"]:
        raise RuntimeError(f"{name}: {many['failures'] + one['failures']} failures, first: {many['error'] or many['statuses']}")
    return many, one


def speed(bench, args, rows):
    """Rows of the table: (name, 16 connections, 1 connection, cold start s)."""
    results = []
    yard = bench.yard("speed", [bench.good]).open("bench", bodies.records(bench.row))
    try:
        token = yard.tokens["infer"]
        record = bodies.write(bench.work / "records.bin", [bodies.records(row) for row in rows])
        message = bodies.write(bench.work / "grpc.bin", [bodies.grpc("bench", row) for row in rows])
        target = (yard.addr, "/v1/models/bench:predict", record, token, {})
        results.append(("yard-serve, JSON", *speed_of(bench, "yard", target, args.seconds, yard.pid), yard.server.cold))
        target = (yard.grpc, "/inference.GRPCInferenceService/ModelInfer", message, token, {"grpc": True})
        results.append(("yard-serve, gRPC", *speed_of(bench, "gRPC", target, args.seconds, yard.pid), None))
        log = [line for line in yard.get("/metrics").decode().splitlines() if line.startswith("modelyard_log_")]
        print("log after the load:", "; ".join(log), flush=True)
    finally:
        yard.stop()
    for name in args.peers:
        try:
            python = contenders.environment(name, args.envs)
            if not (bench.work / "matrix.onnx").exists():
                onnx = contenders.environment("mlflow", args.envs)
                script = pathlib.Path(contenders.HERE) / "peers" / "matrix.py"
                subprocess.run([onnx, script, bench.work / "onnx" / "model.onnx", bench.work / "matrix.onnx"], check=True)
            peer = contenders.Peer(name, python, bench.work, rows)
            try:
                file = bodies.write(bench.work / f"{name}.bin", peer.bodies)
                both = speed_of(bench, name, (peer.addr, peer.path, file, "", {}), args.seconds, peer.pid)
                results.append((f"{name} ({contenders.versions(python, name)})", *both, peer.server.cold))
            finally:
                peer.stop()
        except Exception as error:
            print(f"left out: {name}: {error}", flush=True)
    return results


def speed_table(results):
    print("\n| server | requests per server CPU second, 16 connections | requests/s | p50 ms, 1 connection | p99 ms "
          "| cold start s |\n|---|---|---|---|---|---|")
    for name, many, one, cold in results:
        cold = "" if cold is None else f"{cold:.3f}"
        print(f"| {name} | {many['per_cpu']:,.0f} | {many['rate']:,.0f} | {one['ms']['p50']:.3f} | {one['ms']['p99']:.3f} | {cold} |")
    by_name = {name.split(" ")[0]: own for name, *own in results}
    if "fastapi" in by_name:
        own, peer, grpc = results[0][1:], by_name["fastapi"], results[1][1:]
        print(f"\nAgainst FastAPI: {own[0]['per_cpu'] / peer[0]['per_cpu']:.1f} × the requests per CPU second (asked: 15), "
              f"p50 {own[1]['ms']['p50'] / peer[1]['ms']['p50']:.3f} × (asked: 0.1), cold start {own[2] / peer[2]:.3f} × "
              f"(asked: 0.05); gRPC {grpc[0]['per_cpu'] / own[0]['per_cpu']:.2f} × REST (asked: 0.6)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modelyard", required=True)
    parser.add_argument("--yard-serve", required=True)
    parser.add_argument("--loadgen", required=True)
    parser.add_argument("--envs", default="bench-envs")
    parser.add_argument("--work")
    parser.add_argument("--only", default="speed,memory,many,swaps,overload,canary")
    parser.add_argument("--peers", default=",".join(contenders.PEERS))
    parser.add_argument("--seconds", type=float, default=6)
    args = parser.parse_args()
    args.only, args.peers = args.only.split(","), [name for name in args.peers.split(",") if name]
    for name in ("modelyard", "yard_serve", "loadgen", "envs"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(args.work or folder).absolute()
        os.environ["MODELYARD_HOME"] = str(work / "home")
        (work / "home").mkdir(parents=True, exist_ok=True)
        if not (work / "good.modelpack").exists():
            prepare(args, work)
        model = [line for line in open("/proc/cpuinfo") if line.startswith("model name")][0].split(":")[1].strip()
        print(f"{datetime.date.today()}, {model}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, "
              f"{platform.system()} {platform.release().split('-')[0]}", flush=True)
        sys.stdout.flush()
        report(args, scenarios.Bench(args, work), bodies.rows(64))


def report(args, bench, rows):
    if "speed" in args.only:
        speed_table(speed(bench, args, rows))
    if "memory" in args.only:
        file = bodies.write(bench.work / "records.bin", [bodies.records(row) for row in rows])
        for audit in (False, True):
            memory, done = scenarios.memory(bench, file, audit)
            print(f"memory, one model, 64 connections, {'with' if audit else 'without'} log and sketches: {memory:.1f} MB "
                  f"at most, {done['rate']:,.0f} requests/s (asked: {25 if audit else 12})", flush=True)
    if "many" in args.only:
        print(f"memory, 100 models: {scenarios.many_models(bench):.0f} MB (asked: 300)", flush=True)
    if "swaps" in args.only:
        out = scenarios.swaps(bench)
        print(f"swaps: {out['swaps']} under {out['requests']:,} requests, {out['failures']} failures, {out['foreign']} answers "
              f"that neither version gives; p99 {out['ms']['p99']:.3f} ms, outside {out['calm']['ms']['p99']:.3f}", flush=True)
    if "overload" in args.only:
        peak, out, memory, recovery = scenarios.overload(bench)
        print(f"overload 5 ×: peak {peak['rate']:,.0f}/s, then {out['rate']:,.0f}/s ({out['rate'] / peak['rate']:.0%}), statuses "
              f"{out['statuses']}, {out['broken']} broken; memory {memory[0]:.1f} -> {memory[1]:.1f} MB; recovery {recovery:.2f} s",
              flush=True)
    if "canary" in args.only:
        for seed in range(5):
            ended, asked, sent, seconds = scenarios.bad_canary(bench, seed)
            print(f"bad canary (20 % errors at 10 %), seed {seed}: {'rolled back' if ended else 'NOT rolled back'} after "
                  f"{asked} canary requests of {sent}, {seconds:.1f} s (asked: 200)", flush=True)


if __name__ == "__main__":
    main()
