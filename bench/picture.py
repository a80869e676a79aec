# SPDX-License-Identifier: BSD-3-Clause
"""Draws the picture of the results with gnuplot: how many times better than the distribution's."""

import subprocess

import report

SCRIPT = """
set terminal svg size 960,{height} dynamic noenhanced font "sans-serif,13" background "white"
set output "{path}"
set title "How many times faster (or smaller) than the distribution's library"
set logscale x
set xrange [{low}:{high}]
set yrange [{bottom}:0.8] noextend
set format x "%g"
set grid xtics linecolor "#dddddd"
set arrow from 1,graph 0 to 1,graph 1 nohead linecolor "#888888" front
set ytics ({names}) scale 0
set lmargin 42
set rmargin 4
unset key
$data << END
{data}
END
plot $data using (1):2:(1):3:($2-0.33):($2+0.33) with boxxyerror \\
       fillstyle solid noborder linecolor "#3b7dd8", \\
     $data using (column(3) > 1 ? column(3) : 1):2:4 with labels left offset 0.5,0 font ",11"
"""


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def data_line(position, entry):
    ours, stock = (report.number(entry["medians"][side], entry["unit"])
                   for side in ("ours", "stock"))
    text = quoted(f"{ours}, stock {stock}")
    return f"1 {-position} {1 / entry['ratio']:.4g} {text}"


def draw(path, entries):
    shown = [entry for entry in entries if entry["picture"] and entry["ratio"]]
    if not shown:
        return
    factors = [1 / entry["ratio"] for entry in shown]
    script = SCRIPT.format(
        path=path, height=110 + 26 * len(shown), bottom=-len(shown) + 0.2,
        low=min(0.5, *factors) / 1.2, high=max(factors) * 50,
        names=", ".join(f"{quoted(entry['title'])} {-i}" for i, entry in enumerate(shown)),
        data="\n".join(data_line(i, entry) for i, entry in enumerate(shown)))
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
