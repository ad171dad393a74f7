"""A statement as a PDF: `python -m workers.adapters.statement_paper < statement.json > out.pdf`.

A program of its own, since MuPDF is not for threads. The same statement gives the same bytes;
names in any script are set in their own direction and cannot break the page.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from models.kernel.errors import Unavailable

PROGRAM: Final = "workers.adapters.statement_paper"
ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 60
MOST_PAGES: Final = 1_000
MARGIN: Final = 56

STYLE: Final = """
body { font-family: sans-serif; font-size: 9pt; line-height: 1.4; }
h1 { font-size: 18pt; margin: 0 0 4pt 0; }
h2 { font-size: 11pt; margin: 14pt 0 4pt 0; }
p { margin: 0 0 4pt 0; }
table { width: 100%; margin: 0 0 6pt 0; }
th { font-weight: bold; background-color: #f2f2f2; }
th, td { text-align: left; font-size: 8pt; padding: 2pt 4pt; border: 0.5pt solid #999999; }
"""


class PaperProgram:
    """Sets statements by this program, one a process."""

    def set(self, sheet: Mapping[str, Any]) -> bytes:
        """Return a PDF; raise `Unavailable` when the program does not make one in time."""
        try:
            done = subprocess.run(
                [sys.executable, "-s", "-P", "-B", "-m", PROGRAM],
                input=json.dumps(sheet).encode(),
                capture_output=True,
                env={"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
                cwd="/",
                timeout=SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable("the statement could not be set") from error
        return done.stdout


def main() -> int:
    """Set the statement of standard input."""
    sys.stdout.buffer.write(_paper(json.load(sys.stdin)))
    return 0


def _paper(sheet: Mapping[str, Any]) -> bytes:
    """Set a statement on as many pages as it takes, numbered, with nothing of the moment in it."""
    from workers.adapters.pages.engine import pymupdf

    area = pymupdf.paper_rect("a4")
    text = pymupdf.Rect(MARGIN, MARGIN, area.width - MARGIN, area.height - MARGIN)
    out = BytesIO()
    writer, story = pymupdf.DocumentWriter(out), pymupdf.Story(_html(sheet), user_css=STYLE)
    more, pages = True, 0
    while more:
        pages += 1
        if pages > MOST_PAGES:
            raise ValueError("a statement does not come to an end")
        device = writer.begin_page(area)
        more, _ = story.place(text)
        story.draw(device)
        writer.end_page()
    writer.close()
    with pymupdf.open(stream=out.getvalue(), filetype="pdf") as paper:
        foot = pymupdf.Rect(0, area.height - 40, area.width, area.height)
        for page in list(paper):
            page.insert_textbox(foot, f"{page.number + 1} / {pages}", fontsize=8, align=1)
        paper.set_metadata({"title": f"Statement {sheet['period']}", "producer": "Ilm"})
        paper.subset_fonts()
        data: bytes = paper.tobytes(garbage=3, deflate=True, no_new_id=True)
    return data


def _html(sheet: Mapping[str, Any]) -> str:
    balance = [("Opening balance", sheet["opening"])]
    balance += [(entry["name"], entry["amount"]) for entry in sheet["entries"]]
    balance.append(("Closing balance", sheet["closing"]))
    parts = [
        f"<h1>Statement {escape(sheet['period'])}</h1>",
        f"<p>{escape(sheet['owner'])}</p><p>{escape(sheet['account'])}</p>",
        "<p>Amounts in USD: whole cents, rounded once a line so that they add up, and exact.</p>",
        "<h2>Balance</h2>",
        _table(("", "USD", "exact"), ((name, *amount) for name, amount in balance)),
    ]
    for title, shares in sheet["shares"].items():
        rows = [(s["name"], s["calls"], s["tokens"], *s["amount"]) for s in shares]
        total = ("Total", "", "", *sheet["charged"])
        columns = ("", "calls", "tokens", "USD", "exact")
        parts += [f"<h2>{escape(title)}</h2>", _table(columns, [*rows, total])]
    return "".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


if __name__ == "__main__":
    sys.exit(main())
