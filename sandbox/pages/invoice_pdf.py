"""Invoices and credit notes as PDFs, drawn with fpdf2 in Roboto (the `font-roboto` package).

Roboto covers Latin, Greek and Cyrillic; any other letter prints as a question mark.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from sandbox.pages import invoice_view

INK, SOFT, LINE = (29, 28, 26), (98, 95, 88), (227, 224, 216)
STAMP_COLOURS = {"Paid": (47, 95, 58), "Void": (163, 38, 27), "Uncollectible": (163, 38, 27)}
MARGIN = 20  # millimetres
LEFT_HALF = 90


def render(invoice: dict[str, Any]) -> bytes:
    """The PDF's bytes; the same invoice gives the same page."""
    return draw("Invoice", invoice_view.of(invoice), invoice["created"])


def draw(title: str, view: dict[str, Any], created: int) -> bytes:
    """A letter of `title` with what `view` says (see `invoice_view.of`), made at `created`."""
    page = _Page(title, view, created)
    page.heading()
    page.parties()
    page.lines()
    page.sums()
    page.notes()
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self, title: str, view: dict[str, Any], created: int) -> None:
        super().__init__(format="A4")
        self.kind = title
        self.view = view
        fonts = files("font_roboto") / "files"
        self.add_font("Roboto", "", str(fonts / "Roboto-Regular.ttf"))
        self.add_font("Roboto", "B", str(fonts / "Roboto-Medium.ttf"))
        self.set_title(f"{title} {view['number']}")
        self.set_author(view["seller"][0])
        self.set_creation_date(datetime.fromtimestamp(created, UTC))
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, 26)
        self.alias_nb_pages()
        self.add_page()

    def known(self, text: str) -> str:
        """`text` with a question mark for each letter the font does not have."""
        cmap = self.fonts["roboto"].cmap
        return "".join(one if one == "\n" or ord(one) in cmap else "?" for one in text)

    def write_line(self, text: str, size: float = 9.5, *, bold=False, soft=False, **cell) -> None:
        """One cell of text; the cursor goes to the next line unless `cell` says otherwise."""
        self.set_font("Roboto", "B" if bold else "", size)
        self.set_text_color(*(SOFT if soft else INK))
        options: dict[str, Any] = {"w": 0, "new_x": XPos.LMARGIN, "new_y": YPos.NEXT}
        options |= {"h": size * 0.53} | cell
        self.cell(text=self.known(text), **options)

    def footer(self) -> None:
        """On every page: whose invoice it is, that it is none, the page's number."""
        self.set_y(-17)
        note = f"{self.view['number']}  ·  Sandbox: no real money"
        self.write_line(note, 8, soft=True, w=LEFT_HALF, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.write_line(f"Page {self.page_no()} of {{nb}}", 8, soft=True, align="R")

    def heading(self) -> None:
        self.write_line(self.kind, 22, bold=True, w=LEFT_HALF, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.write_line(self.view["seller"][0], 13, bold=True, align="R", h=11)
        self.ln(3)
        for name, value in self.view["facts"]:
            self.write_line(name, soft=True, w=34, new_x=XPos.RIGHT, new_y=YPos.TOP)
            self.write_line(value)
        if self.view["stamp"]:
            self._stamp(self.view["stamp"])

    def _stamp(self, text: str) -> None:
        colour = STAMP_COLOURS[text]
        self.set_font("Roboto", "B", 17)
        width, height = self.get_string_width(text.upper()) + 10, 12
        x, y = self.w - MARGIN - width, 38
        with self.local_context(), self.rotation(8, x + width / 2, y + height / 2):
            self.set_draw_color(*colour)
            self.set_text_color(*colour)
            self.set_line_width(0.8)
            self.rect(x, y, width, height, round_corners=True, corner_radius=2)
            self.set_xy(x, y)
            self.cell(width, height, text.upper(), align="C")

    def parties(self) -> None:
        self.set_xy(MARGIN, max(self.get_y() + 8, 58))
        top = self.get_y()
        for column, (title, lines) in enumerate(
            (("From", self.view["seller"]), ("Bill to", self.view["buyer"]))
        ):
            self.set_y(top)
            for index, line in enumerate([title, *lines]):
                self.set_x(MARGIN + column * LEFT_HALF)
                self.write_line(line, bold=index == 1, soft=index != 1, w=LEFT_HALF - 6)
            if column == 0:
                below = self.get_y()
        self.set_y(max(self.get_y(), below) + 9)
        self.write_line(self.view["headline"], 15, bold=True)
        if self.view["paid_with"]:
            self.write_line(self.view["paid_with"], soft=True)
        if self.view["description"]:
            self.ln(2)
            self._paragraph(self.view["description"])
        self.ln(6)

    def lines(self) -> None:
        self.set_font("Roboto", "", 9.5)
        self.set_text_color(*INK)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        taxed = any(line["tax"] for line in self.view["lines"])
        columns = [("Description", 96, "L"), ("Quantity", 20, "R")]
        columns += [("Tax", 20, "R")] if taxed else []
        columns += [("Amount", 34, "R")]
        widths = tuple(width for _, width, _ in columns)
        with self.table(
            col_widths=widths,
            text_align=tuple(align for _, _, align in columns),
            borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(emphasis="", color=SOFT, size_pt=8.5),
            line_height=5,
            padding=(2, 1, 2, 1),
        ) as table:
            head = table.row()
            for name, _, _ in columns:
                head.cell(name)
            for line in self.view["lines"]:
                text = line["description"]
                if line["period"]:
                    text += f"\n{line['period']}"
                cells = [text, line["quantity"], *([line["tax"]] if taxed else []), line["amount"]]
                table.row([self.known(cell) for cell in cells])

    def sums(self) -> None:
        # The sums stay together: on a new page when they do not fit below the lines.
        if self.will_page_break(len(self.view["sums"]) * 7 + 8):
            self.add_page()
        self.ln(4)
        for name, amount, main in self.view["sums"]:
            if main:
                self.set_draw_color(*LINE)
                self.line(MARGIN + LEFT_HALF, self.get_y(), self.w - MARGIN, self.get_y())
            self.set_x(MARGIN + LEFT_HALF)
            self.write_line(
                name, soft=not main, bold=main, w=46, h=7, new_x=XPos.RIGHT, new_y=YPos.TOP
            )
            self.write_line(amount, bold=main, h=7, align="R")

    def notes(self) -> None:
        if self.view["footer"]:
            self.ln(10)
            self._paragraph(self.view["footer"])

    def _paragraph(self, text: str) -> None:
        self.set_font("Roboto", "", 9.5)
        self.set_text_color(*SOFT)
        self.multi_cell(0, 5, self.known(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
