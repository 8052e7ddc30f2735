"""The commands, in the order of the help; each is a function of the module named before it.

impacter admin pending
impacter admin grant ana@example.com 100 --reason "Sorry for the delay"
"""

from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from impacter import books, money, ops, output, parked, prices, refunds, tasks, users, verify
from impacter.failures import Failure
from impacter.options import AsJson, Url


class OneLineErrors(TyperGroup):
    """Commands whose failures end the program with one line that says what to do, never a traceback."""

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            output.say(f"error: {failure}")
            raise typer.Exit(failure.exit_code) from None


app = typer.Typer(
    cls=OneLineErrors,
    help="ImpacterAGI's command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _group(says: str) -> typer.Typer:
    return typer.Typer(help=says, no_args_is_help=True, rich_markup_mode=None)


admin = _group("What ops and admins see and do, with the key in ADMIN_API_KEY.")
parked_events = _group("Events that a service could not handle.")
sold_prices = _group("What is sold, as Stripe's catalogue says.")
asked_refunds = _group("Refunds that operators asked for.")

admin.command()(tasks.pending)
admin.command()(tasks.update)
admin.command()(users.users)
admin.command()(users.user)
admin.command()(users.roles)
admin.command()(money.grant)
admin.command()(money.payments)
admin.command()(money.close_payment)
admin.command()(refunds.refund)
admin.command()(books.books)
admin.command()(books.reconcile)
admin.command()(ops.messages)
admin.command()(ops.health)
parked_events.command("list")(parked.list_events)
parked_events.command("show")(parked.show)
parked_events.command("replay")(parked.replay)
parked_events.command("discard")(parked.discard)
sold_prices.command("list")(prices.list_prices)
sold_prices.command("sync")(prices.sync)
sold_prices.command("seed")(prices.seed)
asked_refunds.command("list")(refunds.list_refunds)
asked_refunds.command("approve")(refunds.approve)
asked_refunds.command("reject")(refunds.reject)
admin.add_typer(asked_refunds, name="refunds")
admin.add_typer(sold_prices, name="prices")
admin.add_typer(parked_events, name="parked")
app.add_typer(admin, name="admin")
app.command()(verify.verify)


@app.command()
def doctor(*, url: Url = None, as_json: AsJson = False) -> None:
    """Look at every link the product hangs on, and say what to do about broken ones.

    It asks the running product, and tries what the settings here name, also where nothing runs. The exit code
    is 1 when a link is broken.
    """
    from impacter.doctor.command import examine  # noqa: PLC0415 - it loads every service, a second

    examine(url, is_json=as_json)
