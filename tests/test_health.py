"""The balancer's questions: does the process answer, and can it do its work?"""

import dataclasses

from flask_migrate import upgrade


def test_healthz_answers_without_touching_anything(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_readyz_refuses_until_the_migrations_have_run(app, client):
    assert client.get("/readyz").status_code == 503


def test_readyz_agrees_once_the_migrations_have_run(bare_settings, stripe_calls):
    from billing import create_app

    app = create_app(bare_settings)
    with app.app_context():
        upgrade()
    assert app.test_client().get("/readyz", base_url="http://127.0.0.1:8000").status_code == 200


def test_the_balancer_behind_the_tls_proxy_is_answered_not_sent_away(bare_settings, stripe_calls):
    from billing import create_app

    app = create_app(dataclasses.replace(bare_settings, site_url="https://billing.example.com"))
    with app.app_context():
        upgrade()
    client = app.test_client()
    for path in ("/healthz", "/readyz"):
        assert client.get(path, base_url="http://127.0.0.1:8000").status_code == 200
    sent = client.get("/plans", base_url="http://127.0.0.1:8000")
    assert sent.headers["Location"].startswith("https://")
