"""The balancer's questions: does the process answer, and can it do its work?"""

from flask_migrate import upgrade


def test_healthz_answers_without_touching_anything(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_readyz_refuses_until_the_migrations_have_run(app, client):
    assert client.get("/readyz").status_code == 503


def test_readyz_agrees_once_the_migrations_have_run(settings, stripe_calls):
    from billing import create_app

    app = create_app(settings)
    with app.app_context():
        upgrade()
    assert app.test_client().get("/readyz", base_url="http://127.0.0.1:8000").status_code == 200
