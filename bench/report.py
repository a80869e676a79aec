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


def ratio(numerators, denominators):
    """Of values from the same round, so that what slows the machine for a while slows both."""
    pairs = [a / b for a, b in zip(numerators, denominators) if b > 0]
    return statistics.median(pairs) if pairs else None


def verdict(figure, ours, against_stock, against_floor):
    goals = ((figure.goal, against_stock), (figure.floor_goal, against_floor),
             (figure.own_goal, ours))
    judged = [value <= goal for goal, value in goals if goal is not None and value is not None]
    return all(judged) if judged else None


def row(case, figure, sides):
    values = {side: [metrics[figure.metric] for metrics in rounds] for side, rounds in sides.items()}
    medians = {side: statistics.median(numbers) for side, numbers in values.items()}
    against = {side: ratio(values["ours"], values[side]) if "ours" in values and side in values
               else None for side in ("stock", "floor")}
    return {
        "case": case.name, "metric": figure.metric, "title": figure.title, "unit": figure.unit,
        "placement": case.placement, "medians": medians,
        "spread": {side: spread(numbers) for side, numbers in values.items()},
        "ratio": against["stock"], "floor_ratio": against["floor"],
        "goal": figure.goal, "floor_goal": figure.floor_goal, "own_goal": figure.own_goal,
        "met": verdict(figure, medians.get("ours"), against["stock"], against["floor"]),
        "picture": figure.picture}


def rows(selected, results):
    return [row(case, figure, results[case.name]) for case in selected for figure in case.figures]


def number(value, unit):
    if value is None:
        return "-"
    factor, name = cases.UNITS[unit]
    digits = f"{value * factor:.3g}" if value * factor < 1000 else f"{value * factor:.0f}"
    return f"{digits} {name}".rstrip()


def goal_text(entry):
    parts = [(entry["goal"], ""), (entry["floor_goal"], " of floor"), (entry["own_goal"], " itself")]
    return ", ".join(f"≤ {goal}{name}" for goal, name in parts if goal is not None)


def table(entries):
    lines = [("what", "ours", "stock", "ours/stock", "goal", "", "floor", "spread ours, stock")]
    for entry in entries:
        medians, unit = entry["medians"], entry["unit"]
        lines.append((
            entry["title"], *(number(medians.get(side), unit) for side in ("ours", "stock")),
            "-" if entry["ratio"] is None else f"{entry['ratio']:.3g}", goal_text(entry),
            {True: "met", False: "MISSED", None: ""}[entry["met"]],
            number(medians.get("floor"), unit),
            ", ".join(f"{entry['spread'][side]:.0f} %" for side in ("ours", "stock")
                      if side in entry["spread"])))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def machine():
    lines = open("/proc/cpuinfo").read().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {"processor": model or platform.machine(), "processors": os.cpu_count(),
            "kernel": platform.release()}


def write_json(path, entries, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "rows": entries, "rounds": results}, indent=1))
