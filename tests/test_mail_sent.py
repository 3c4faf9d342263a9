"""The page that says where a mail went."""

from __future__ import annotations


def test_it_names_the_address_and_can_be_loaded_again(client):
    client.post("/reset", data={"email": "ada@northwind.example"})
    for _ in range(2):
        page = client.get("/mail-sent").get_data(as_text=True)
        assert "ada@northwind.example" in page
        assert "Send it again" in page


def test_without_a_mail_it_leads_to_signing_in(client):
    assert client.get("/mail-sent").headers["Location"] == "/login"


def test_it_leads_to_the_local_mailbox_only_where_there_is_one(client):
    client.post("/reset", data={"email": "ada@northwind.example"})
    assert "/dev/mail" not in client.get("/mail-sent").get_data(as_text=True)
