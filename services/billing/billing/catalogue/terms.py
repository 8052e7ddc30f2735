"""What a product's metadata says that it is worth, or why it cannot be bought."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from billing import shapes

CREDITS_MAX = 10_000_000


class Terms(BaseModel):
    """Credits for a price, as the owner of the catalogue writes them in Stripe's dashboard."""

    model_config = ConfigDict(extra="ignore")

    credits: Annotated[int, Field(gt=0, le=CREDITS_MAX, alias="includedCredits")]
    kind: Literal["pack", "plan", "per_cent"] = "pack"
    rollover: Literal["none", "one_period", "unlimited"] = "none"
    grant_interval: Annotated[Literal["month"] | None, Field(alias="grantInterval")] = None
    badge: Annotated[str | None, Field(max_length=40)] = None
    display_order: Annotated[int, Field(ge=0, le=10_000, alias="displayOrder")] = 1000
    description: Annotated[str | None, Field(max_length=500)] = None


def read(product: shapes.Product) -> dict[str, Any]:
    """Return a product's columns; `flaw` says why it cannot be bought, None where it can."""
    terms, flaw = _read({key: text.strip() for key, text in product.metadata.items()})
    return {
        "id": product.id,
        "name": product.name or product.id,
        "description": terms.description or product.description or "",
        "kind": terms.kind,
        "credits": terms.credits,
        "rollover": terms.rollover,
        "grant_interval": terms.grant_interval,
        "badge": terms.badge or None,
        "display_order": terms.display_order,
        "is_active": product.active,
        "flaw": flaw,
    }


def _read(metadata: dict[str, str]) -> tuple[Terms, str | None]:
    if metadata.get("kind") == "per_cent":
        metadata = {"includedCredits": "1", **metadata}  # each price says how many
    if "includedCredits" not in metadata:
        return Terms.model_construct(credits=0), "its metadata has no includedCredits"
    try:
        return Terms.model_validate(metadata), None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        flaw = f"its metadata's {first['loc'][0]}: {first['msg'].lower()}"
        return Terms.model_construct(credits=0), flaw
