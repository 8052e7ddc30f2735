"""What nginx is told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from embedded.settings import FrontSettings


class NginxSettings(FrontSettings):
    """The front, with whom it believes about clients and what it proves itself with; without a certificate it speaks HTTP."""

    trusted_proxies: Annotated[str, Field(validation_alias="GATEWAY_TRUSTED_PROXIES")] = ""
    tls_certificate: Annotated[Path | None, Field(validation_alias="GATEWAY_TLS_CERTIFICATE")] = (
        None
    )
    tls_key: Annotated[Path | None, Field(validation_alias="GATEWAY_TLS_KEY")] = None

    @model_validator(mode="after")
    def _has_both(self) -> "NginxSettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            message = "GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together"
            raise ValueError(message)
        return self

    def variables(self) -> dict[str, str]:
        """Return them as the variables that `deploy/gateway/start` reads."""
        given = {
            "WEB_DIST": self.web_dist.absolute(),
            "GATEWAY_RATE_FACTOR": f"{self.rate_factor:g}",
            "GATEWAY_TRUSTED_PROXIES": self.trusted_proxies,
            "GATEWAY_TLS_CERTIFICATE": self.tls_certificate,
            "GATEWAY_TLS_KEY": self.tls_key,
        }
        return {name: str(value) for name, value in given.items() if value is not None}
