"""Draws figure dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@in_house_style
def figure_dropout(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric mean of the final test error against p, with its 95 % interval; a panel per rule."""
    data = datasets["figure-dropout"]
    figure, panels = subplots(1, 2, (PAGE, 0.62 * COLUMN))
    for axes, rule in zip(panels, data.rule.values, strict=True):
        for k, kind in enumerate(data.kind.values):
            middle, low, high = geometric_mean(data.error.sel(rule=rule, kind=kind).transpose("p", "task").values)
            style = ordered_line(2 * k, 4)
            axes.errorbar(
                data.p.values,
                middle,
                [middle - low, high - middle],
                capsize=2,
                marker="os"[k],
                label=f"edge {kind}",
                **style,
            )
        axes.set(yscale="log", xlabel="p", ylabel="test error / initial\n(geometric mean)")
        axes.set_xticks(data.p.values)
        axes.set_title(f"{rule} rule", loc="left")
    panels[0].legend()
    return figure


@in_house_style
def figure_dropout_circuits(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric means of test and training errors against p with 95 % intervals; a row per rule, a column per task."""
    runs = list(datasets.values())
    rules, tasks = (list(dict.fromkeys(run.attrs[name] for run in runs)) for name in ("rule", "task"))
    figure, panels = subplots(
        len(rules), len(tasks), (PAGE if len(tasks) > 1 else COLUMN, 1.15 * COLUMN), sharex=True, sharey="col", squeeze=False
    )
    for run in runs:
        axes = panels[rules.index(run.attrs["rule"]), tasks.index(run.attrs["task"])]
        for k, kind in enumerate(run.kind.values):
            for name, filled in (("training", False), ("test", True)):
                error = run.error.sel(kind=kind, set=name).transpose("p", "seed").values
                middle, low, high = geometric_mean(error)
                color = ordered_line(2 * k, 4)["color"]
                axes.errorbar(
                    run.p.values + (0.008 if filled else -0.008), middle, [middle - low, high - middle], capsize=2,
                    color=color, marker="os"[k], markerfacecolor=color if filled else "white",
                    linestyle="-" if filled else ":", label=f"edge {kind}, {name} error",
                )  # fmt: skip
        axes.set(yscale="log")
        axes.set_xticks(run.p.values)
    for axes, task in zip(panels[0], tasks, strict=True):
        axes.set_title(task, loc="left")
    for axes in panels[-1]:
        axes.set(xlabel="p")
    for axes, rule in zip(panels[:, 0], rules, strict=True):
        axes.set(ylabel=f"{rule} rule\nsquared error (V²)")
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(), fontsize=6, ncols=min(4, 2 * len(tasks)), loc="outside upper center"
    )
    return figure
