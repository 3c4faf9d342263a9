"""The test cards that the pages offer, with what each one does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A card number and, in a few words, its behaviour."""

    number: str
    what: str

    @property
    def number_in_groups(self) -> str:
        """The digits in groups of four, as on a card."""
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


TEST_CARDS = (
    Offer("4242424242424242", "Succeeds"),
    Offer("5555555555554444", "Succeeds, a Mastercard"),
    Offer("4000002500003155", "Asks for 3-D Secure once"),
    Offer("4000002760003184", "Asks for 3-D Secure every time"),
    Offer("4000000000000002", "Declined"),
    Offer("4000000000009995", "Declined: insufficient funds"),
    Offer("4000000000000069", "Declined: expired card"),
    Offer("4000000000000127", "Declined: wrong CVC"),
    Offer("4000000000000341", "Saves, but later charges fail"),
)
