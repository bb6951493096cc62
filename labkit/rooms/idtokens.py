"""ID tokens, with which an identity provider says who somebody is: checked against its keys.

Firebase: RS256, issuer ``https://securetoken.google.com/PROJECT``, audience ``PROJECT``.
Supabase: HS256 with a shared secret, or ES256/RS256, issuer ``…/auth/v1``, audience and role
``authenticated``. Rules: RFC 7519 §4.1, and RFC 8725 for what must not be taken from a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import jwt

from labkit.errors import LabError
from labkit.words import _

__all__ = ["BadIdToken", "IdTokenVerifier", "Identity", "KeySet", "firebase", "supabase"]

KeySet = Callable[[], Mapping[str, Any]]
"""Returns a JSON Web Key Set (RFC 7517 §5): ``{"keys": [{"kid": …, "kty": …, …}]}``."""

LONGEST_TOKEN = 8192
"""Characters; no provider makes longer ones."""

LONGEST_SUBJECT = 128


class Reason(StrEnum):
    """Why an ID token was refused, in one word for machines."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    CLAIMS = "claims"
    ROLE = "role"


_WORDS: dict[type[jwt.PyJWTError], tuple[Reason, Callable[[], str]]] = {
    jwt.ExpiredSignatureError: (Reason.EXPIRED, lambda: _("It has expired.")),
    jwt.ImmatureSignatureError: (Reason.NOT_YET, lambda: _("It is not valid yet.")),
    jwt.InvalidAudienceError: (Reason.AUDIENCE, lambda: _("It is for another service.")),
    jwt.InvalidIssuerError: (Reason.ISSUER, lambda: _("It is from another issuer.")),
    jwt.MissingRequiredClaimError: (
        Reason.CLAIMS,
        lambda: _("A claim is missing that it must have."),
    ),
    jwt.InvalidSignatureError: (Reason.SIGNATURE, lambda: _("Its signature is not right.")),
}


class BadIdToken(LabError):
    """An ID token was refused.

    Args:
        reason: One word for machines.
        why: The same for people.
    """

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(_("The ID token was refused."), why, _("Sign in again."))
        self.reason = reason


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the provider says."""

    subject: str
    """The provider's own id of the user."""
    name: str
    """The name to show; empty where the provider has none."""
    issuer: str
    claims: Mapping[str, Any] = field(repr=False)


class IdTokenVerifier:
    """Checks the ID tokens of one issuer.

    Args:
        issuer: What ``iss`` has to be.
        audience: What ``aud`` has to be.
        keys: The issuer's public keys; asked again, once, when a token names an unknown one.
        secret: A secret that is shared with the issuer, for HS256; None where there is none.
        algorithms: Which of RS256 and ES256 the keys may be used with.
        role: What ``role`` has to be; empty for no rule.
        required: Claims that have to be there.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        keys: KeySet | None = None,
        secret: str | None = None,
        algorithms: tuple[str, ...] = ("RS256", "ES256"),
        role: str = "",
        required: tuple[str, ...] = ("exp", "iat", "iss", "aud", "sub"),
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self._load = keys
        self._secret = secret
        self._algorithms = algorithms if keys is not None else ()
        self._role = role
        self._required = list(required)
        self._keys: dict[str, jwt.PyJWK] | None = None

    def verify(self, token: str) -> Identity:
        """Return who the token is about.

        Args:
            token: As the client sent it.

        Raises:
            BadIdToken: Anything about it is not right.
        """
        header = _header(token)
        algorithm = header.get("alg")
        # The algorithm chooses the kind of key, and never the other way round: else the public
        # key of an issuer, which everybody has, could be used as the secret of HS256.
        if algorithm == "HS256" and self._secret is not None:
            return self._checked(token, self._secret, "HS256")
        if algorithm not in self._algorithms:
            raise BadIdToken(Reason.ALGORITHM, _("Its algorithm is not one of its issuer's."))
        key = self._key(header.get("kid"))
        if key.algorithm_name != algorithm:
            raise BadIdToken(Reason.ALGORITHM, _("Its key is not made for its algorithm."))
        return self._checked(token, key, algorithm)

    def _checked(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> Identity:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": self._required},
            )
        except jwt.PyJWTError as error:
            raise _refusal(error) from None
        return self._identity(claims)

    def _identity(self, claims: dict[str, Any]) -> Identity:
        subject, role = claims.get("sub", ""), claims.get("role", "")
        if not subject or len(subject) > LONGEST_SUBJECT:
            raise BadIdToken(Reason.CLAIMS, _("It does not say whom it is about."))
        if self._role and role != self._role:
            raise BadIdToken(Reason.ROLE, _("It is not from somebody who has signed in."))
        return Identity(subject, _name(claims), self.issuer, claims)

    def _key(self, kid: Any) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise BadIdToken(Reason.KEY, _("It does not say which key has signed it."))
        if self._keys is None or kid not in self._keys:  # the issuer may have a new key
            self._keys = self._loaded()
        if kid not in self._keys:
            raise BadIdToken(Reason.KEY, _("Its issuer does not have the key that it names."))
        return self._keys[kid]

    def _loaded(self) -> dict[str, jwt.PyJWK]:
        assert self._load is not None
        keys = [key for key in self._load()["keys"] if key.get("use", "sig") == "sig"]
        return {key["kid"]: jwt.PyJWK(key) for key in keys}


def firebase(project: str, keys: KeySet) -> IdTokenVerifier:
    """Return what checks the ID tokens of a Firebase project.

    Args:
        project: The project's id.
        keys: Its issuer's public keys.
    """
    return IdTokenVerifier(
        f"https://securetoken.google.com/{project}",
        project,
        keys=keys,
        algorithms=("RS256",),
        required=("exp", "iat", "iss", "aud", "sub", "auth_time"),
    )


def supabase(url: str, *, keys: KeySet | None = None, secret: str | None = None) -> IdTokenVerifier:
    """Return what checks the access tokens of a Supabase project.

    Args:
        url: The project's address; its issuer is this with ``/auth/v1``.
        keys: Its public keys, for ES256 and RS256.
        secret: Its shared secret, for projects that sign with HS256.
    """
    return IdTokenVerifier(
        f"{url.rstrip('/')}/auth/v1",
        "authenticated",
        keys=keys,
        secret=secret,
        role="authenticated",
    )


def _header(token: str) -> dict[str, Any]:
    try:
        if len(token) <= LONGEST_TOKEN:
            return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        pass
    raise BadIdToken(Reason.MALFORMED, _("It is not a token."))


def _refusal(error: jwt.PyJWTError) -> BadIdToken:
    for kind, (reason, words) in _WORDS.items():
        if isinstance(error, kind):
            return BadIdToken(reason, words())
    return BadIdToken(Reason.MALFORMED, _("It is not a token that can be read."))


def _name(claims: dict[str, Any]) -> str:
    own = claims.get("user_metadata")
    found = claims.get("name") or (own.get("full_name") if isinstance(own, dict) else "")
    return found if isinstance(found, str) else ""
