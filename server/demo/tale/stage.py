"""Tells what happens in the story and stops it at a failure.

Every line carries the seconds since the curtain rose; an event also the milliseconds it took to arrive.
"""
import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.roster.catalog import UNIT_TEXTS


class Broken(Exception):
    """The first expectation that was not met; the text is the sentence to show."""


class Stage:
    """The narrator: writes to a rich console and counts what was checked."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun_at = time.monotonic()
        self._acts = 0
        self.checks = 0
        self.arrivals_ms: list[float] = []

    def _stamp(self) -> str:
        return f"[dim]{time.monotonic() - self._begun_at:7.3f}s[/dim]"

    def act(self, title: str) -> None:
        """Open the next act."""
        self._acts += 1
        self._console.print()
        self._console.rule(f"[bold cyan]第 {self._acts} 幕 · {escape(title)}", align="left")

    def does(self, who: str, what: str) -> None:
        """Somebody acts."""
        self._console.print(f"{self._stamp()}  [bold]{escape(who)}[/bold] → {escape(what)}")

    def hears(self, who: str, what: str, *, took_ms: float) -> None:
        """Somebody is told live; `took_ms` since the cause was sent."""
        self.arrivals_ms.append(took_ms)
        colour = "green" if took_ms < 200 else "yellow" if took_ms < 1_000 else "red"
        self._console.print(
            f"{self._stamp()}  [bold]{escape(who)}[/bold] ← {escape(what)}  [{colour}]{took_ms:.0f} ms[/{colour}]"
        )

    def check(self, holds: Any, sentence: str) -> None:
        """An expectation; the sentence says what must hold. Raises Broken when it does not."""
        if not holds:
            raise Broken(f"不成立：{sentence}")
        self.checks += 1
        self._console.print(f"{self._stamp()}  [green]✓[/green] [dim]{escape(sentence)}[/dim]")

    def price_lines(self, lines: list[dict[str, Any]], *, amount_fen: int) -> None:
        """The lines of a quote as a table, amounts in yuan."""
        table = Table(title="费用明细", title_justify="left", show_footer=True)
        table.add_column("项目", footer="合计")
        table.add_column("数量", justify="right")
        table.add_column("单价", justify="right")
        table.add_column("金额", justify="right", footer=yuan(amount_fen))
        for line in lines:
            unit = UNIT_TEXTS.get(line["unit"], line["unit"])
            table.add_row(
                str(line["label"]), f"{line['quantity']:g} {unit}", yuan(line["unit_price_fen"]),
                yuan(line["amount_fen"]),
            )
        self._console.print(table)

    def curtain(self) -> None:
        """The last line of a story that went well."""
        times = sorted(self.arrivals_ms)
        middle = times[len(times) // 2] if times else 0.0
        self._console.print()
        self._console.print(
            f"[bold green]故事讲完了[/bold green]：{self.checks} 项检查全部成立，{len(times)} 次实时到达，"
            f"中位数 {middle:.0f} ms，最慢 {times[-1] if times else 0.0:.0f} ms。"
        )

    def torn(self, sentence: str) -> None:
        """The last line of a story that broke."""
        self._console.print(f"{self._stamp()}  [bold red]✗ {escape(sentence)}[/bold red]")


def yuan(amount_fen: int) -> str:
    """`¥12.50` for 1250."""
    return f"¥{amount_fen // 100}.{amount_fen % 100:02d}"
