"""Run folders as training leaves them, for tests of what reads them."""

import json
from datetime import UTC, datetime


def write_run(root, name, state, *, task="sentiment", monitor="accuracy", values=(0.5, 0.75, 0.7), **settings):
    """A run folder as training leaves it; the best of `values` is its best epoch."""
    folder = root / task / name
    folder.mkdir(parents=True)
    lines = [f"training:\n  monitor: {monitor}", *(f"{key}: {value}" for key, value in settings.items())]
    (folder / "config.yaml").write_text("\n".join(lines) + "\n")
    choose = min if monitor in ("loss", "perplexity") else max
    best = choose(values) if values else None
    entries = [
        {"epoch": i + 1, "step": i, "train": {"loss": 1.0 - i / 10}, "validation": {monitor: value}, "seconds": 9.0 * i}
        for i, value in enumerate(values)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    status = {
        "state": state,
        "updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "epoch": len(values),
        "epochs": 5,
        "best": None if best is None else {"value": best, "epoch": values.index(best) + 1},
    }
    (folder / "status.json").write_text(json.dumps(status))
    if state == "finished":
        report = {"seconds": 75.0, "parameters": 1234, "data": {"source": "made up", "digest": "abc"}}
        (folder / "report.json").write_text(json.dumps(report))
    return folder
