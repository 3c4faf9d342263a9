"""The report's charts, in the reader's words."""

from __future__ import annotations

from markupsafe import Markup

from billing import charts, money
from billing.charts import Chart, Series
from billing.metrics.book import MOVEMENTS
from billing.metrics.recovery import OUTCOMES
from billing.metrics.report import Report

NAMES = {
    "new": "New",
    "reactivation": "Reactivation",
    "expansion": "Expansion",
    "contraction": "Contraction",
    "churn": "Churn",
    "won_back": "Won back",
    "open": "Still open",
    "lost": "Lost",
}


def mrr(report: Report, locale: str) -> Markup:
    """MRR at the end of each month."""
    first, last = report.months[0], report.months[-1]
    return charts.area(
        _chart(
            report,
            locale,
            "mrr",
            "Monthly recurring revenue",
            f"From {_written(report, first.mrr, locale)} in {first.month.label} "
            f"to {_written(report, last.mrr, locale)} in {last.month.label}.",
            [Series("mrr", "MRR", [one.mrr for one in report.months])],
        )
    )


def movements(report: Report, locale: str) -> Markup:
    """What moved MRR in each month: gains upwards, losses downwards."""
    series = [
        Series(name, NAMES[name], [one.amounts[name] for one in report.months])
        for name in MOVEMENTS
    ]
    summary = "What was gained and lost in each month; the table below has the figures."
    return charts.stacked(_chart(report, locale, "movements", "What moved MRR", summary, series))


def recovery(report: Report, locale: str) -> Markup:
    """What became of each month's failed renewals."""
    series = [
        Series(name, NAMES[name], [one.amounts[name] for one in report.recoveries])
        for name in OUTCOMES
    ]
    summary = "What was won back, lost and is still open; the table below has the figures."
    title = "Renewals whose payment failed"
    return charts.stacked(_chart(report, locale, "recovery", title, summary, series))


def _chart(
    report: Report, locale: str, name: str, title: str, summary: str, series: list[Series]
) -> Chart:
    return Chart(
        id=name,
        title=title,
        summary=summary,
        labels=_labels(report),
        series=series,
        written=lambda value: _written(report, value, locale),
        tick=lambda value: money.compact(value, report.view.currency, locale=locale),
    )


def _labels(report: Report) -> list[str]:
    """Months; pygal takes equal ones for one, so each has its year."""
    return [one.month.short for one in report.months]


def _written(report: Report, value: int, locale: str) -> str:
    return money.text(int(value), report.view.currency, locale=locale)
