"""Data of the interop checks: rows with missing values, unseen categories, unicode and dates, from a seed."""

import os

import numpy as np
import pandas as pd

CITIES = ["Zürich", "Genève", "東京", "Łódź", "new york", "O'Fallon, \"MO\"", "Ærø"]
UNSEEN = ["Atlantis", "zürich", "東"]
PLANS = ["basic", "plus", "pro"]


def frame(seed, n, unseen):
    """Returns n rows; `unseen` adds categories that no training row has."""
    rng = np.random.default_rng(seed)
    number = lambda x: np.where(rng.random(n) < 0.08, np.nan, x)
    cities = CITIES + (UNSEEN if unseen else [])
    plans = PLANS + (["enterprise — new"] if unseen else [])
    word = lambda words: np.where(rng.random(n) < 0.06, None, rng.choice(words, n))
    days = rng.integers(0, 12_000, n)
    seconds = rng.integers(0, 86_400, n)
    since = pd.to_datetime(days * 86_400 + seconds, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(object)
    since[rng.random(n) < 0.05] = None
    return pd.DataFrame({
        "id": [f"r{i}" for i in range(n)],
        "age": number(rng.integers(18, 90, n)),
        "income, €": number(np.round(np.exp(rng.normal(10, 0.6, n)), 2)),
        "ratio": number(rng.normal(size=n)),
        "city": word(cities),
        "plan": word(plans),
        "since": since,
    })


def signal(x, seed):
    """Returns the hidden score that all three targets are made of."""
    rng = np.random.default_rng(seed)
    z = 0.03 * (x.age.fillna(50) - 50) + np.log(x["income, €"].fillna(22_000) / 22_000)
    z = z + x.city.isin(["Zürich", "東京"]) * 0.9 - x.plan.isin(["basic"]) * 0.6 + x.ratio.isna() * 0.5
    z = z + np.nan_to_num(x.ratio.to_numpy(float)) ** 2 * 0.4
    month = pd.to_datetime(x.since).dt.month.fillna(6)
    return (z + np.sin(month / 12 * 2 * np.pi) * 0.5 + rng.normal(size=len(x)) * 0.5).to_numpy(float)


def table(task, seed, n, unseen):
    """Returns fields and target of a task."""
    x = frame(seed, n, unseen)
    z = signal(x, seed + 1)
    if task == "binary":
        x["target"] = np.where(z > 0.7, "ja", "nein")
    elif task == "multiclass":
        x["target"] = np.select([z < 0, z < 1], ["niedrig", "mittel"], "höher")
    else:
        x["target"] = np.round(z * 100 + 500, 3)
    return x


WORDS = """free entry win cash prize call now hello how are you today meeting lunch tomorrow Zürich straße ÉCOLE naïve
Привет мир 東京 data_set x1 don't e-mail it's großer ÄPFEL""".split()


def texts(seed, n, unseen):
    """Returns rows of a text and a number."""
    rng = np.random.default_rng(seed)
    words = WORDS + (["quux", "ЖУК", "zz top"] if unseen else [])
    breaks = [" ", "  ", " - ", ", ", "!\t"]
    text = [rng.choice(breaks).join(rng.choice(words, rng.integers(0, 14))) for _ in range(n)]
    number = rng.normal(size=n)
    told = np.array([sum(word in own for word in ("free", "win", "cash", "prize", "ÉCOLE")) for own in text])
    x = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "note": text, "size": number})
    x["target"] = np.where(told + number * 0.5 + rng.normal(size=n) * 0.3 > 1, "ja", "nein")
    x.loc[rng.random(n) < 0.05, "note"] = None
    x.loc[rng.random(n) < 0.1, "size"] = np.nan
    return x


def images(seed, n, folder):
    """Writes images of 10 × 12 pixels into a folder; returns rows of their paths and a number."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    rows = []
    for at in range(n):
        kind = int(rng.integers(0, 3))
        image = rng.integers(0, 90, (12, 10, 3))
        image[:, :, kind] += 120
        image[2 + 3 * kind : 5 + 3 * kind] = 255 - image[2 + 3 * kind : 5 + 3 * kind]
        path = os.path.join(folder, f"{seed}-{at}.png")
        Image.fromarray(image.astype(np.uint8)).save(path)
        rows.append((f"r{at}", path if rng.random() > 0.05 else None, rng.normal() + kind, "abc"[kind]))
    return pd.DataFrame(rows, columns=["id", "photo", "number", "target"])
