"""The page and the console table of a sweep say what was found, and over what."""

from __future__ import annotations

import io
from pathlib import Path

from reason_w2s.evaluate.sweep import sweep
from reason_w2s.report import sweep_console
from reason_w2s.report.sweep import render, write
from tests.evaluate.test_sweep import by_seed, result

SIX = {**by_seed(0, range(3)), **by_seed(1, range(3), (0.5, 0.5, 0.5))}
SETTINGS = {
    f"n{n}s{seed}": result({"n": n, "seed": seed}, {"tuned": n / 10 + seed / 100})
    for n in (2, 4)
    for seed in (0, 1)
}


def page(runs, missing=()):
    return render(sweep(runs, missing), {name: f"{name}/report.html" for name in runs})


def test_the_page_says_means_strata_runs_and_what_varies():
    shown = page(SIX)
    assert '<span class="strong">45.0</span> <small class="interval">[29.0, 61.0]</small>' in shown
    assert "20.0</span>, " in shown and "50.0</span>" in shown
    assert "The recipe's seed (0; 1; 2): which problems are drawn" in shown.replace("&#39;", "'")
    assert "also the problems of s." in shown
    assert "Intervals are for exactly these 2" in shown
    assert "4 degrees of freedom" in shown
    assert 'href="p1s2/report.html"' in shown
    assert "<script" not in shown and "http" not in shown.replace("http-equiv", "")
    assert shown == page(SIX)


def test_without_repeats_it_says_that_there_is_no_interval():
    shown = page({**by_seed(0, [0]), **by_seed(1, [0])}, missing=["seed7"])
    assert "There is no interval: no two runs differ in their seed alone." in shown
    assert "Not in it, because they failed: seed7." in shown


def test_settings_stand_beside_each_other_with_a_curve():
    shown = page(SETTINGS)
    assert "Over the settings" in shown
    assert "tuned, by n" in shown
    assert "<th>n 2</th><th>n 4</th>" in shown
    assert shown.count("<polyline") == 1


def test_names_are_escaped():
    runs = by_seed(0, range(2))
    for run in runs.values():
        for score in run["scores"]:
            score["model"] = score["model"].replace("tuned", "<b>x")
        run["comparisons"] = []
    assert "<b>x" not in page(runs)


def test_links_lead_from_the_page_to_its_runs(tmp_path):
    found = sweep(SIX)
    out = tmp_path / "pages" / "all.html"
    out.parent.mkdir()
    write(found, out, {name: Path(tmp_path / "runs" / name) for name in SIX})
    assert 'href="../runs/p0s0/report.html"' in out.read_text()


def test_the_console_has_the_same_numbers():
    out = io.StringIO()
    sweep_console.show(sweep(SIX), out)
    said = out.getvalue()
    assert "45.0 [29.0, 61.0]" in said
    assert "20.0 40.0 60.0 50.0 50.0 50.0" in " ".join(said.split())
    assert "warning: always" in said and "warning: only" not in said
    assert said.isascii()
