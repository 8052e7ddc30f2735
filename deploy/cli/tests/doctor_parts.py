"""What tests of the doctor look for in its report."""

READY = {"status": "ready", "dependencies": {"database": "ok", "bus": "ok"}}


def found(findings, what):
    """Return the one finding about this."""
    [finding] = [each for each in findings if each.what == what]
    return finding


def found_in(report, what):
    """Return the one line of a report in JSON about this."""
    [check] = [check for check in report["checks"] if check["what"] == what]
    return check
