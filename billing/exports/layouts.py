"""How an export's columns are laid out: ready-made, and as staff saved them.

The ready-made ones follow what the programs ask for. Sources: Xero Central, "Import invoices"
(its SalesInvoiceTemplate.csv), and QuickBooks Online's help, "Import multiple invoices at once".
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from billing.exports.credit_notes import CREDIT_NOTES
from billing.exports.invoices import INVOICE_LINES, INVOICES
from billing.exports.refunds import REFUNDS
from billing.exports.rows import Rows
from models import ExportPreset, db

ROWS = {rows.key: rows for rows in (INVOICES, INVOICE_LINES, CREDIT_NOTES, REFUNDS)}


@dataclass(frozen=True)
class Layout:
    """The columns of a file: (heading, key of a column of `rows`) pairs, in their order."""

    key: str
    name: str
    rows: Rows
    columns: tuple[tuple[str, str], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for key in self.keys:
            self.rows.column(key)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for _, key in self.columns)

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(heading for heading, _ in self.columns)


def _named(rows: Rows, *keys: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, key) for key in keys or (c.key for c in rows.columns))


def _blank(*headings: str) -> tuple[tuple[str, str], ...]:
    return tuple((heading, "blank") for heading in headings)


READY = (
    Layout("invoices", "All columns, a row for each invoice", INVOICES, _named(INVOICES)),
    Layout(
        "invoice_lines",
        "All columns, a row for each line",
        INVOICE_LINES,
        tuple(pair for pair in _named(INVOICE_LINES) if pair[0] not in {"one", "blank"}),
    ),
    Layout(
        "ledger",
        "General ledger, a row for each line",
        INVOICE_LINES,
        (
            ("date", "invoice_date"),
            ("document", "invoice_number"),
            ("document_id", "invoice_id"),
            ("status", "status"),
            ("customer_id", "customer_id"),
            ("customer", "customer_name"),
            ("country", "customer_country"),
            ("account", "revenue_account"),
            ("text", "description"),
            ("service_start", "service_start"),
            ("service_end", "service_end"),
            ("currency", "currency"),
            ("net", "line_net"),
            ("tax", "line_tax"),
            ("gross", "line_total"),
        ),
        "Revenue by line, with the days it is for. Void invoices are in it with their status, as "
        "in every export that is not filtered by one.",
    ),
    Layout(
        "xero",
        "Xero sales invoices, a row for each line",
        INVOICE_LINES,
        (
            ("*ContactName", "customer_name"),
            ("EmailAddress", "customer_email"),
            *_blank("POAddressLine1", "POAddressLine2", "POAddressLine3", "POAddressLine4"),
            *_blank("POCity", "PORegion", "POPostalCode"),
            ("POCountry", "customer_country"),
            ("*InvoiceNumber", "invoice_number"),
            ("Reference", "invoice_id"),
            ("*InvoiceDate", "invoice_date"),
            ("*DueDate", "due_date"),
            ("Total", "invoice_total"),
            *_blank("InventoryItemCode"),
            ("*Description", "description"),
            ("*Quantity", "one"),
            ("*UnitAmount", "line_net"),
            *_blank("Discount"),
            ("*AccountCode", "revenue_account"),
            ("*TaxType", "tax_name"),
            ("TaxAmount", "line_tax"),
            *_blank("TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2"),
            ("Currency", "currency"),
            *_blank("BrandingTheme"),
        ),
        "Choose CSV, and dates as your Xero organisation reads them. Say on import that amounts "
        "are tax exclusive. Xero takes up to 500 invoices from one file.",
    ),
    Layout(
        "quickbooks",
        "QuickBooks Online invoices, a row for each line",
        INVOICE_LINES,
        (
            ("*InvoiceNo", "invoice_number"),
            ("*Customer", "customer_name"),
            ("*InvoiceDate", "invoice_date"),
            ("*DueDate", "due_date"),
            *_blank("Terms", "Location"),
            ("Memo", "invoice_id"),
            ("Item(Product/Service)", "plan"),
            ("ItemDescription", "description"),
            ("ItemQuantity", "one"),
            ("ItemRate", "line_net"),
            ("*ItemAmount", "line_net"),
            ("ItemTaxCode", "tax_name"),
            ("ItemTaxAmount", "line_tax"),
            ("Currency", "currency"),
            ("Service Date", "service_start"),
        ),
        "Turn custom transaction numbers on in QuickBooks, or it numbers invoices anew. It asks "
        "for the dates' format on import, and takes up to 100 invoices from one file.",
    ),
    Layout("credit_notes", "All columns", CREDIT_NOTES, _named(CREDIT_NOTES)),
    Layout("refunds", "All columns", REFUNDS, _named(REFUNDS)),
)


def of(*rows: str) -> list[Layout]:
    """The layouts of those kinds of rows: ready-made, then saved ones by name."""
    saved = db.session.scalars(
        select(ExportPreset).where(ExportPreset.rows.in_(rows)).order_by(ExportPreset.name)
    )
    ready = [layout for layout in READY if layout.rows.key in rows]
    return [*ready, *(of_preset(preset) for preset in saved)]


def of_preset(preset: ExportPreset) -> Layout:
    """A saved preset; columns that exist no more are left out."""
    rows = ROWS[preset.rows]
    keys = [key for key in preset.columns if rows.has(key)]
    return Layout(f"preset-{preset.id}", preset.name, rows, _named(rows, *keys))
