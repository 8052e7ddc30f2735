"""How a command fails: with one sentence that says what to do, and an exit code."""


class Failure(Exception):
    """The gateway refused or did not answer; `status` is the HTTP status when it did."""

    exit_code = 1

    def __init__(self, sentence: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(sentence)


class Misuse(Failure):
    """The command was not given what it needs."""

    exit_code = 2
