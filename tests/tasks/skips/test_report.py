"""The report of a run of FRAME: it stands alone and shows the figures of the run."""

from __future__ import annotations

import html
import re
import shutil

import numpy as np
import pytest

from graphvid.runs import RunDirectory, write_report
from graphvid.tasks.skips.report import report


@pytest.fixture
def copy(skip_finished, tmp_path):
    return RunDirectory(shutil.copytree(skip_finished, tmp_path / "run"))


@pytest.fixture
def page(skip_finished):
    return html.unescape((skip_finished / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_fetched(page):
    references = re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["\']([^"\']*)""", page)
    assert all(reference.startswith("#") for reference in references)
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|@import|url\((?!#)", page)


def test_figures_and_tables_hold_the_metrics(page, skip_finished):
    metrics = RunDirectory(skip_finished).read_metrics()
    for method, found in metrics["methods"].items():
        cells = [found["gauc"]["value"], found["auc"], found["log_loss"], found["expected_calibration_error"]]
        assert f"<td>{method}</td>" + "".join(f"<td>{value:.4f}</td>" for value in cells) in page
    prior = metrics["methods"]["position prior"]
    assert f"<td>position prior</td><td>{prior['skip_clip']['log_likelihood']:.4f}</td>" in page
    for coarse in metrics["ablation"]:
        gain = coarse["gauc_difference"]
        interval = f"<td>{gain['difference']:+.4f}</td><td>{gain['lower']:+.4f} to {gain['upper']:+.4f}</td>"
        assert f"<td>{coarse['num_clips']}</td><td>{coarse['gauc']['value']:.4f}</td>" in page
        assert interval in page
    for clip in metrics["clips"]:
        share = f"{clip['left'] / clip['reached']:.3f}"
        cells = [clip["video_id"], clip["clip"] + 1, clip["reached"], clip["left"], share]
        assert "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert page.count('<tr class="best"><td>FRAME</td>') == 2
    assert page.count("<svg") == 6  # ranking, two drop-off curves, calibration, clips, training
    assert "<td>training views</td><td>180</td>" in page
    assert "No row was left out." in page


def test_a_run_without_fewer_clips_has_no_such_section(skip_finished):
    page = (skip_finished / "clips-1" / "report.html").read_text(encoding="utf-8")
    assert "What are clips worth?" not in page
    assert page.count("<svg") == 5


def test_rows_left_out_are_shown(copy):
    text = copy.metrics.read_text()
    copy.metrics.write_text(text.replace('"dropped": {}', '"dropped": {"duration zero": 1234}'))
    write_report(copy, report(copy))
    page = copy.report.read_text(encoding="utf-8")
    assert "<td>left out: duration zero</td><td>1,234</td>" in page
    assert "No row was left out." not in page


def test_curves_are_shares_and_means(monkeypatch, copy):
    drawn = []
    monkeypatch.setattr(
        "graphvid.tasks.skips.report.drop_off_curves", lambda *a, **k: drawn.append((a[0], k)) or "<svg>"
    )
    write_report(copy, report(copy))
    stored = np.load(copy.path / "predictions.npz")
    (everyone, options), (thirds, sizes) = drawn
    observed, predicted = everyone["all test views"]
    assert observed == pytest.approx([(stored["stop"] >= clip).mean() for clip in range(9)])
    assert predicted == pytest.approx(stored["drop_off"].mean(axis=0))
    assert options["num_views"] == {"all test views": 60}
    assert [*sizes["num_views"].values()] == [20, 20, 20]
    ends = [predicted[-1] for _, predicted in thirds.values()]
    assert ends == sorted(ends)
    assert sum(observed[-1] * 20 for observed, _ in thirds.values()) == pytest.approx((stored["stop"] == 8).sum())


def test_a_missing_file_is_named(copy):
    (copy.path / "predictions.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"unfinished run without predictions\.npz"):
        write_report(copy, report(copy))
