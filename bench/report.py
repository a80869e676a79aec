# SPDX-License-Identifier: BSD-3-Clause
"""From the metrics of all rounds to medians, ratios and goals: as a table and as JSON."""

import json
import os
import platform
import statistics

import cases


def spread(values):
    """Half the distance between the quartiles, in percent of the median."""
    if len(values) < 2 or statistics.median(values) == 0:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return 50 * (high - low) / statistics.median(values)


def ratios(numerators, denominators):
    """Of values from the same round, so that what slows the machine for a while slows both."""
    return [a / b for a, b in zip(numerators, denominators) if b > 0]


def verdict(figure, against_stock, against_floor, against_base):
    """Met, missed, or missed by less than the rounds differ; None without a goal."""
    goals = ((figure.goal, against_stock), (figure.floor_goal, against_floor),
             (figure.base_goal, against_base))
    judged = [(goal, values) for goal, values in goals if goal is not None and values]
    if not judged:
        return None
    excess = [statistics.median(values) / goal - 1 for goal, values in judged]
    noise = max(spread(values) for _, values in judged) / 100
    return "met" if max(excess) <= 0 else "within noise" if max(excess) <= noise else "MISSED"


def median(values):
    return statistics.median(values) if values else None


def row(case, figure, sides):
    values = {side: [metrics[figure.metric] for metrics in rounds]
              for side, rounds in sides.items()}
    own = values.get("ours", [])
    against = {side: ratios(own, values.get(side, [])) for side in ("stock", "floor")}
    base = [metrics[figure.base] for metrics in sides.get("ours", [])] if figure.base else []
    return {
        "case": case.name, "metric": figure.metric, "title": figure.title, "unit": figure.unit,
        "placement": case.placement,
        "medians": {side: median(numbers) for side, numbers in values.items()},
        "spread": {side: spread(numbers) for side, numbers in values.items()},
        "ratio": median(against["stock"]), "floor_ratio": median(against["floor"]),
        "base_ratio": median(ratios(own, base)), "goal": goal_text(figure),
        "verdict": verdict(figure, against["stock"], against["floor"], ratios(own, base)),
        "picture": figure.picture}


def rows(selected, results):
    return [row(case, figure, results[case.name]) for case in selected for figure in case.figures]


def number(value, unit):
    if value is None:
        return "-"
    name, size = next((scale for scale in reversed(cases.UNITS[unit]) if value >= scale[1]),
                      cases.UNITS[unit][0])
    scaled = value / size
    return (f"{scaled:.3g}" if scaled < 1000 else f"{scaled:.0f}") + f" {name}".rstrip()


def goal_text(figure):
    parts = [(figure.goal, ""), (figure.floor_goal, " of floor"),
             (figure.base_goal, f" of {figure.base}")]
    return ", ".join(f"≤ {goal}{name}" for goal, name in parts if goal is not None)


def table(entries):
    lines = [("what", "ours", "stock", "ours/stock", "goal", "", "floor", "spread ours, stock")]
    for entry in entries:
        medians, unit = entry["medians"], entry["unit"]
        lines.append((
            entry["title"], *(number(medians.get(side), unit) for side in ("ours", "stock")),
            "-" if entry["ratio"] is None else f"{entry['ratio']:.3g}", entry["goal"],
            entry["verdict"] or "",
            number(medians.get("floor"), unit),
            ", ".join(f"{entry['spread'][side]:.0f} %" for side in ("ours", "stock")
                      if side in entry["spread"])))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def machine():
    lines = open("/proc/cpuinfo").read().splitlines()
    models = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    model = next(models, "")
    return {"processor": model or platform.machine(), "processors": os.cpu_count(),
            "kernel": platform.release()}


def write_json(path, entries, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    everything = {"machine": machine(), "rows": entries, "rounds": results}
    path.write_text(json.dumps(everything, indent=1))
