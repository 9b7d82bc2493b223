"""Data of the interop checks: rows with missing values, unseen categories, unicode and dates, from a seed."""

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
