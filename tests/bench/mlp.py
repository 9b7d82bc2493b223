"""Seconds per epoch of a net on the CPU against PyTorch.

    python mlp.py EXE [--rows=N] [--threads=1,2] [--epochs=N]

EXE is the built example: `cargo build --release --workspace --example mlp_epoch`.
Trains 28-256-256-1 with batches of 1024 and AdamW (learning rate 1e-3, decay 0.01, no clipping) on a made
table of N x 28 numbers with a noisy non-linear target, f32, data in memory, each in a process of its own.
Both shuffle every epoch and score 50,000 other rows at its end; PyTorch uses its fused AdamW and, for the
second line, its default one. OpenMP waits passively. Prints CPU and wall seconds of an epoch (the best of
those after the first) and the ROC AUC on the other rows.
Needs numpy, scikit-learn, torch.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

FEATURES, VALID = 28, 50_000


def make(folder, rows):
    import numpy as np

    rng = np.random.default_rng(7)
    n = rows + VALID
    x = rng.standard_normal((n, FEATURES), dtype=np.float32)
    margin = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.5 * x[:, 3] ** 2 - 0.5 + 0.3 * x[:, 4:12].sum(1)
    y = (margin + rng.logistic(size=n) > 0).astype(np.float32)
    for name, part in (("train", slice(0, rows)), ("valid", slice(rows, n))):
        x[part].tofile(f"{folder}/{name}_x.f32")
        y[part].tofile(f"{folder}/{name}_y.f32")
    with open(f"{folder}/meta.txt", "w") as f:
        f.write(f"features {FEATURES}\ntrain {rows}\nvalid {VALID}\n")


def auc(folder, margins):
    import numpy as np
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(np.fromfile(f"{folder}/valid_y.f32", np.float32), margins)


def by_torch(folder, threads, epochs, fused):
    """Runs in a process of its own, which has the environment set."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    load = lambda name: torch.from_numpy(np.fromfile(f"{folder}/{name}.f32", np.float32))
    x, y = load("train_x").reshape(-1, FEATURES), load("train_y")
    valid = load("valid_x").reshape(-1, FEATURES)
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    net = torch.nn.Sequential(linear(FEATURES, 256), relu(), linear(256, 256), relu(), linear(256, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01, fused=fused)
    loss = torch.nn.BCEWithLogitsLoss()
    wall, cpu = [], []
    for _ in range(epochs):
        w, c = time.perf_counter(), time.process_time()
        for batch in torch.randperm(len(y)).split(1024):
            optimizer.zero_grad()
            value = loss(net(x[batch]).squeeze(1), y[batch])
            value.backward()
            optimizer.step()
        with torch.no_grad():
            margins = torch.cat([net(part) for part in valid.split(8192)]).squeeze(1)
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    print(json.dumps({"wall": wall, "cpu": cpu, "auc": auc(folder, margins.numpy())}))


def run(command, threads):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    env = {**os.environ, **{name: str(threads) for name in names}, "OMP_WAIT_POLICY": "passive"}
    return json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)


def main():
    options = dict(text[2:].split("=", 1) for text in sys.argv[1:] if text.startswith("--"))
    exe = next(text for text in sys.argv[1:] if not text.startswith("--"))
    rows, epochs = int(options.get("rows", 1_000_000)), int(options.get("epochs", 3))
    with tempfile.TemporaryDirectory() as folder:
        make(folder, rows)
        print(f"{rows:,} rows, {epochs} epochs, load {os.getloadavg()[0]:.1f}")
        print("| | threads | CPU s | wall s | AUC |\n|---|---|---|---|---|")
        for threads in map(int, options.get("threads", "1,2").split(",")):
            own = run([exe, folder, f"threads={threads}", f"epochs={epochs}"], threads)
            import numpy as np

            own["auc"] = auc(folder, np.fromfile(f"{folder}/margins.f32", np.float32))
            results = [("Modelyard", own)]
            for name, fused in (("PyTorch", 1), ("PyTorch, default AdamW", 0)):
                command = [sys.executable, __file__, "torch", folder, str(threads), str(epochs), str(fused)]
                results.append((name, run(command, threads)))
            for name, got in results:
                best = {key: min(got[key][1:] or got[key]) for key in ("cpu", "wall")}
                print(f"| {name} | {threads} | {best['cpu']:.2f} | {best['wall']:.2f} | {got['auc']:.4f} |", flush=True)
            ratio = min(own["cpu"][1:] or own["cpu"]) / min(results[1][1]["cpu"][1:] or results[1][1]["cpu"])
            print(f"CPU, Modelyard / PyTorch: {ratio:.2f}")


if __name__ == "__main__":
    if sys.argv[1] == "torch":
        by_torch(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "1")
    else:
        main()
