"""Who we are to the gateway: a key pair, and the proof that we hold it."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent_runner.openclaw.protocol import SCOPES, Challenge

CLIENT = {
    "id": "gateway-client",  # one of the names the gateway knows
    "displayName": "agent-runner",
    "version": "1",
    "platform": "linux",
    "mode": "backend",
}


@dataclass(frozen=True, slots=True)
class Device:
    """The identity that owns our runs: the gateway lets only the device that began a run end it.

    It follows from the gateway's token, so that a runner that reconnects, and any other runner with
    the token, is the same device without sharing a file.
    """

    key: Ed25519PrivateKey
    token: str

    @classmethod
    def of(cls, token: str) -> "Device":
        """The device of everybody who knows the token."""
        seed = hashlib.sha256(b"impacter agent-runner device\0" + token.encode()).digest()
        return cls(Ed25519PrivateKey.from_private_bytes(seed), token)

    def proof(self, challenge: Challenge) -> dict[str, object]:
        """The `device` part of the connect request."""
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        device_id = hashlib.sha256(public).hexdigest()
        return {
            "id": device_id,
            "publicKey": _base64url(public),
            "signature": _base64url(self.key.sign(self._statement(device_id, challenge))),
            "signedAt": challenge.ts,
            "nonce": challenge.nonce,
        }

    def _statement(self, device_id: str, challenge: Challenge) -> bytes:
        who = ("v3", device_id, CLIENT["id"], CLIENT["mode"], "operator", ",".join(SCOPES))
        when = (str(challenge.ts), self.token, challenge.nonce)
        where = (CLIENT["platform"], "")  # the device family is left empty
        return "|".join((*who, *when, *where)).encode()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
