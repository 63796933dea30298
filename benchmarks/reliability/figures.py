"""The figures and tables of docs/reliability.md, from the numbers that the studies kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from subjects import CHECKPOINT_SECONDS, UNITS

from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

NAMES = {
    "single": "process, 2 threads",
    "parent": "parent of 2 workers",
    "workers": "one of 2 workers",
    "dask-client": "client of a Dask cluster",
    "dask-workers": "one of 2 Dask workers",
    "dask-scheduler": "Dask scheduler",
    "slurm-tasks": "one of 2 SLURM tasks",
    "slurm-job": "SLURM job (scancel)",
}

RESTARTED = ("single", "dask-scheduler", "slurm-job")  # where nobody goes on after a kill


def draw(folder: Path, images: Path) -> None:
    """Write the figures to `images` and print the tables."""
    found = {mode: one for mode in NAMES if (one := _pooled(sorted(folder.rglob(f"kills-{mode}.json"))))}
    progress_figure(found).savefig(images / "reliability-kills.png", dpi=150)
    loss_figure(found).savefig(images / "reliability-loss.png", dpi=150)
    print(table(found))
    for path in sorted([*folder.rglob("damages.json"), *folder.rglob("trouble.json")]):
        data = json.loads(path.read_text())
        data.pop("all", None)
        print(json.dumps(data, indent=1))


def _pooled(paths: list[Path]) -> dict[str, Any]:
    """Every study of one mode, one after the other; none is left out."""
    pooled: dict[str, Any] = {}
    for path in paths:
        one = json.loads(path.read_text())
        if not pooled:
            pooled = one
            continue
        last = pooled["units_done"][-1]
        pooled["units_done"] += [last + done for done in one["units_done"]]
        for name in ("moments", "lost_seconds", "restarts", "sentences"):
            pooled[name] += one[name]
        pooled["stores"] += one["stores"]
        pooled["counts"] = {name: count + one["counts"][name] for name, count in pooled["counts"].items()}
    return pooled


@in_house_style
def progress_figure(found: dict[str, dict[str, Any]]) -> Any:
    """Finished units against the number of kills: nothing that was finished is ever taken back."""
    figure, axes = subplots(1, 2, (PAGE, 0.38 * PAGE), sharey=True)
    for panel, modes in zip(axes, _halves(found), strict=True):
        for index, mode in enumerate(modes):
            done = np.array([0, *found[mode]["units_done"]])
            panel.step(range(len(done)), done / UNITS, where="post", label=NAMES[mode], **ordered_line(index, len(modes)))
        panel.set(xlabel="kills", xlim=(0, None), ylim=(0, None))
        panel.legend(loc="upper left")
    axes[0].set_ylabel(f"finished units / {UNITS}")
    return figure


def _halves(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    local = [mode for mode in found if mode in ("single", "parent", "workers")]
    return local, [mode for mode in found if mode not in local]


@in_house_style
def loss_figure(found: dict[str, dict[str, Any]]) -> Any:
    """Work beyond the last checkpoint that a killed process took with it, and seconds until a restarted run computes."""
    figure, (left, right) = subplots(1, 2, (PAGE, 0.4 * PAGE))
    lost = [found[mode]["lost_seconds"] for mode in found]
    everything = np.concatenate([np.array(one) for one in lost if one])
    left.hist(everything / CHECKPOINT_SECONDS, bins=np.arange(0, max(2.0, everything.max() / CHECKPOINT_SECONDS) + 0.1, 0.1))
    left.axvline(1, color="0.3", linestyle="--", linewidth=0.8)
    left.set(xlabel="work lost / checkpoint interval", ylabel="killed units", xlim=(0, None))
    modes = [mode for mode in found if mode in RESTARTED]
    for place, mode in enumerate(modes):
        seconds = np.sort(found[mode]["restarts"])
        right.plot(seconds, np.full(len(seconds), place), "|", color="#0072B2", alpha=0.6)
        right.plot(np.median(seconds), place, "o", color="#D55E00")
    right.set_yticks(range(len(modes)), [NAMES[mode] for mode in modes])
    right.set(xlabel="seconds from start to first new steps", xlim=(0, None), ylim=(len(modes) - 0.5, -0.5))
    return figure


def table(found: dict[str, dict[str, Any]]) -> str:
    """One row per mode."""
    lines = [
        "| killed | kills | stores | units finished between kills | of these lost | unreadable | computed twice | wrong bits"
        " | restart / s | work lost / s |",
        "| --- " * 10 + "|",
    ]
    for mode, one in found.items():
        counts = one["counts"]
        bad = " | ".join(str(counts[name]) for name in ("lost", "unreadable", "duplicate", "wrong"))
        restarts = _spread(one["restarts"] if mode in RESTARTED else [])
        what = f"| {NAMES[mode]} | {len(one['moments'])} | {one['stores']} | {one['units_done'][-1]} | {bad} "
        lines.append(what + f"| {restarts} | {_spread(one['lost_seconds'])} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Median and largest."""
    return f"{np.median(values):.2f}, at most {np.max(values):.2f}" if values else "-"
