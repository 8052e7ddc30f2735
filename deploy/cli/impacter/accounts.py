"""Finding the one account that a command is about."""

from impacter.api import Api, Json, segment
from impacter.failures import Failure, Misuse
from impacter.options import LIMIT


def find(api: Api, who: str) -> Json:
    """Return the account with this address or id; fail when there is none."""
    if who.startswith("usr_"):
        return _checked(api.get(f"/api/admin/users/{segment(who)}"))
    if "@" not in who:
        raise Misuse(f"{who!r} is neither an e-mail address nor an id like usr_….")
    address = who.strip()
    page = api.pages("/api/admin/users", "users", limit=LIMIT, email=address)
    for account in page["users"]:
        if str(account.get("email")).casefold() == address.casefold():
            return _checked(account)
    raise Failure(
        f"No account has the address {who}; `impacter admin users --email PART` searches."
    )


def _checked(account: Json) -> Json:
    if not (isinstance(account.get("id"), str) and isinstance(account.get("email"), str)):
        raise Failure("The gateway answered an account without id and e-mail: is it ImpacterAGI's?")
    return account
