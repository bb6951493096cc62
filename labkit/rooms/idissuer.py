"""An identity provider of the lab's own: it signs ID tokens as Firebase and Supabase do."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from labkit.errors import BadValue
from labkit.rooms.idtokens import IdTokenVerifier, firebase, supabase
from labkit.words import _

__all__ = ["Algorithm", "FirebaseIssuer", "Issuer", "SupabaseIssuer"]

Algorithm = Literal["RS256", "ES256", "HS256"]

HOUR_S = 3600.0


class Issuer:
    """Signs ID tokens and publishes its public keys; nothing of it leaves this machine.

    Args:
        issuer: What it calls itself in ``iss``.
        audience: Whom its tokens are for.
        algorithm: How it signs.

    Raises:
        BadValue: The algorithm is none of RS256, ES256 and HS256.
    """

    def __init__(self, issuer: str, audience: str, algorithm: Algorithm) -> None:
        if algorithm not in ("RS256", "ES256", "HS256"):
            raise BadValue(
                _("ID tokens are not signed with {algorithm!r} here.").format(algorithm=algorithm),
                next_step=_("Choose RS256, ES256 or HS256."),
            )
        self.issuer = issuer
        self.audience = audience
        self.algorithm = algorithm
        self.secret = secrets.token_urlsafe(48)
        "What HS256 signs with; shared with whoever checks."
        self._private: dict[str, Any] = {}
        self._kid = ""
        self.rotate()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.issuer}, {self.algorithm}>"

    def rotate(self) -> None:
        """Take a new key; the old one stays published, as providers do for a while."""
        self._kid = secrets.token_hex(8)
        if self.algorithm == "RS256":
            self._private[self._kid] = rsa.generate_private_key(65537, 2048)
        elif self.algorithm == "ES256":
            self._private[self._kid] = ec.generate_private_key(ec.SECP256R1())
        else:
            self.secret = secrets.token_urlsafe(48)

    def forget_old_keys(self) -> None:
        """Publish the newest key alone: tokens of older ones count no more."""
        self._private = {kid: key for kid, key in self._private.items() if kid == self._kid}

    def key_set(self) -> dict[str, Any]:
        """Return the public keys (JSON Web Key Set, RFC 7517 §5); none for HS256."""
        return {"keys": [self._public(kid, key) for kid, key in self._private.items()]}

    def sign(self, subject: str, *, ttl_s: float = HOUR_S, **claims: Any) -> str:
        """Return an ID token.

        Args:
            subject: The user's id.
            ttl_s: Seconds until it expires; negative for one that has expired.
            claims: More claims, or others in place of its own; None leaves one out.
        """
        now = int(time.time())
        all_claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": int(now + ttl_s),
            **self._own_claims(subject, now),
            **claims,
        }
        told = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(told, self._signing_key(), self.algorithm, headers=self._headers())

    def verifier(self) -> IdTokenVerifier:
        """Return what checks this issuer's tokens."""
        raise NotImplementedError

    def _own_claims(self, subject: str, now: int) -> dict[str, Any]:
        return {}

    def _signing_key(self) -> Any:
        return self.secret if self.algorithm == "HS256" else self._private[self._kid]

    def _headers(self) -> dict[str, str]:
        return {} if self.algorithm == "HS256" else {"kid": self._kid}

    def _public(self, kid: str, key: Any) -> dict[str, Any]:
        kind = jwt.get_algorithm_by_name(self.algorithm)
        public: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
        return public | {"kid": kid, "use": "sig", "alg": self.algorithm}


class FirebaseIssuer(Issuer):
    """Signs as Firebase Authentication does: RS256, one hour.

    Args:
        project: The project's id.
    """

    def __init__(self, project: str = "webrtc-lab") -> None:
        super().__init__(f"https://securetoken.google.com/{project}", project, "RS256")

    def verifier(self) -> IdTokenVerifier:
        """Return what checks this issuer's tokens."""
        return firebase(self.audience, self.key_set)

    def _own_claims(self, subject: str, now: int) -> dict[str, Any]:
        signed_in = {"sign_in_provider": "password", "identities": {}}
        return {"auth_time": now, "user_id": subject, "firebase": signed_in}


class SupabaseIssuer(Issuer):
    """Signs as Supabase Auth does: ES256 or RS256, or HS256 in older projects.

    Args:
        url: The project's address.
        algorithm: ``ES256``, ``RS256`` or ``HS256``.
    """

    def __init__(self, url: str = "http://127.0.0.1:54321", algorithm: Algorithm = "ES256") -> None:
        self.url = url
        super().__init__(f"{url}/auth/v1", "authenticated", algorithm)

    def verifier(self) -> IdTokenVerifier:
        """Return what checks this issuer's tokens."""
        if self.algorithm == "HS256":
            return supabase(self.url, secret=self.secret)
        return supabase(self.url, keys=self.key_set)

    def _own_claims(self, subject: str, now: int) -> dict[str, Any]:
        session = str(uuid.uuid4())
        return {"role": "authenticated", "aal": "aal1", "session_id": session}
