"""A price change under way, as staff see and steer it."""

from __future__ import annotations

import csv
import io

from models import PriceMove, db
from tests.quote_page import text_of


def test_the_page_shows_how_far_it_is_and_what_became_of_each(changing):
    changing.subscriber("Contoso", quantity=25)
    changing.subscriber("Northwind", quantity=8, cancel_at_period_end=True)
    number = changing.change()
    page = changing.page(number)
    assert "0 of 1 scheduled at Stripe" in page
    assert "Contoso On 19 Dec 2026 $1,225.00 $1,350.00 To be scheduled" in page
    changing.run()
    page = changing.page(number)
    assert "1 of 1 scheduled at Stripe" in page
    assert "Northwind Ends on 19 December 2026, before its turn" in page
    only = changing.page(number, "?status=skipped")
    assert "Northwind" in only
    assert "Contoso" not in only


def test_the_file_has_what_became_of_everybody(changing):
    changing.subscriber("Contoso", quantity=25)
    number = changing.change()
    changing.run()
    answer = changing.mira.get(f"/admin/price-changes/{number}/moves.csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["account"], row["status"], row["moves_on"]) == (
        "Contoso",
        "scheduled",
        "2026-12-19",
    )
    assert (row["each_period_before"], row["each_period_after"]) == ("1225.00", "1350.00")


def test_a_draft_has_no_moves_to_steer_and_another_changes_move_is_not_found(changing, app):
    changing.subscriber("Contoso")
    number = changing.draft()
    assert changing.mira.post(f"/admin/price-changes/{number}/pause").status_code == 404
    other = changing.change(changing.price("demo_starter_month"), rule="keep")
    changing.choose(number)
    changing.confirm(number)
    with app.app_context():
        move = db.session.query(PriceMove).one().id
    url = f"/admin/price-changes/{other}/moves/{move}/undo"
    assert changing.mira.post(url).status_code == 404


def test_stopping_is_asked_about_with_its_numbers(changing):
    changing.subscriber("Contoso")
    number = changing.change()
    page = changing.page(number, "/stop")
    assert "Keep the old price after all 1 subscriber" in page
    answer = changing.mira.post(f"/admin/price-changes/{number}/stop")
    assert "Stopped" in text_of(changing.mira.get(answer.location))
    # Again changes nothing.
    assert changing.mira.post(f"/admin/price-changes/{number}/stop").status_code == 303
    assert changing.moves(number) == {"Contoso": ("skipped", "stopped")}
