"""ID tokens: right ones pass, and every way to forge one is refused for its own reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from labkit.errors import BadValue
from labkit.rooms.idissuer import FirebaseIssuer, Issuer, SupabaseIssuer
from labkit.rooms.idtokens import BadIdToken, IdTokenVerifier, supabase

ISSUERS: list[Callable[[], Issuer]] = [
    FirebaseIssuer,
    SupabaseIssuer,
    lambda: SupabaseIssuer(algorithm="RS256"),
    lambda: SupabaseIssuer(algorithm="HS256"),
]


def reason(verifier: IdTokenVerifier, token: str) -> str:
    with pytest.raises(BadIdToken) as refused:
        verifier.verify(token)
    assert token not in str(refused.value) or not token
    return refused.value.reason


@pytest.fixture(params=ISSUERS, ids=["firebase", "supabase", "supabase-rs", "supabase-hs"])
def issuer(request: pytest.FixtureRequest) -> Issuer:
    made: Issuer = request.param()
    return made


def test_a_right_token_says_who(issuer: Issuer) -> None:
    who = issuer.verifier().verify(issuer.sign("u-1", name="Alice"))
    assert (who.subject, who.name, who.issuer) == ("u-1", "Alice", issuer.issuer)
    nameless = issuer.verifier().verify(issuer.sign("u-1", user_metadata={"full_name": "Al"}))
    assert nameless.name == "Al"
    assert issuer.verifier().verify(issuer.sign("u-1", name=7)).name == ""


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ttl_s": -5}, "expired"),
        ({"nbf": time.time() + 36_000}, "not_yet"),
        ({"iat": time.time() + 36_000}, "not_yet"),
        ({"aud": "another"}, "audience"),
        ({"aud": None}, "claims"),
        ({"iss": "http://another"}, "issuer"),
        ({"exp": None}, "claims"),
        ({"sub": None}, "claims"),
        ({"subject": ""}, "claims"),
        ({"subject": "x" * 129}, "claims"),
    ],
)
def test_each_claim_is_checked(issuer: Issuer, changes: dict[str, Any], word: str) -> None:
    assert reason(issuer.verifier(), issuer.sign(**({"subject": "u"} | changes))) == word


def test_only_who_has_signed_in_counts() -> None:
    supabase_issuer = SupabaseIssuer()
    verifier = supabase_issuer.verifier()
    assert reason(verifier, supabase_issuer.sign("u", role="anon")) == "role"
    firebase_issuer = FirebaseIssuer()
    assert reason(firebase_issuer.verifier(), firebase_issuer.sign("u", auth_time=None)) == "claims"


def test_no_algorithm_and_a_wrong_one(issuer: Issuer) -> None:
    claims = jwt.decode(issuer.sign("u"), options={"verify_signature": False})
    verifier = issuer.verifier()
    kid = {"kid": issuer.key_set()["keys"][0]["kid"]} if issuer.key_set()["keys"] else {}
    assert reason(verifier, jwt.encode(claims, "", "none", headers=kid)) == "algorithm"
    assert reason(verifier, jwt.encode(claims, "s" * 64, "HS512", headers=kid)) == "algorithm"


def test_a_public_key_is_no_secret() -> None:
    """The classic attack: HS256 with the issuer's public key, which everybody has."""
    for issuer in (FirebaseIssuer(), SupabaseIssuer(), SupabaseIssuer(algorithm="RS256")):
        public = issuer.key_set()["keys"][0]
        claims = jwt.decode(issuer.sign("u"), options={"verify_signature": False})
        pem = jwt.PyJWK(public).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        header = _part({"alg": "HS256", "typ": "JWT", "kid": public["kid"]})
        body = _part(claims)
        signer = jwt.get_algorithm_by_name("HS256")
        signature = signer.sign(f"{header}.{body}".encode(), pem)
        forged = f"{header}.{body}.{_base64(signature)}"
        assert reason(issuer.verifier(), forged) == "algorithm"


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return jwt.utils.base64url_encode(data).decode()


def test_a_project_with_both_kinds_of_keys_mixes_none() -> None:
    new, old = SupabaseIssuer(), SupabaseIssuer(algorithm="HS256")
    both = supabase(new.url, keys=new.key_set, secret=old.secret)
    assert both.verify(new.sign("u")).subject == both.verify(old.sign("u")).subject == "u"
    rs = SupabaseIssuer(algorithm="RS256")
    one_kid = {"keys": [rs.key_set()["keys"][0] | {"kid": "same"}]}
    mixed = supabase(rs.url, keys=lambda: one_kid)
    claims = jwt.decode(new.sign("u"), options={"verify_signature": False})
    token = jwt.encode(claims, new._signing_key(), "ES256", headers={"kid": "same"})
    assert reason(mixed, token) == "algorithm"


def test_another_issuer_with_the_same_name_is_found_out(issuer: Issuer) -> None:
    impostor = (
        type(issuer)()
        if isinstance(issuer, FirebaseIssuer)
        else SupabaseIssuer(algorithm=issuer.algorithm)
    )
    word = "signature" if issuer.algorithm == "HS256" else "key"
    assert reason(issuer.verifier(), impostor.sign("u")) == word
    head, body, _signature = issuer.sign("u").split(".")
    other = issuer.sign("v").split(".")[2]
    assert reason(issuer.verifier(), f"{head}.{body}.{other}") == "signature"


def test_rotation_loads_the_keys_once_and_an_unknown_key_once_more() -> None:
    issuer = FirebaseIssuer()
    loads = 0

    def keys() -> dict[str, Any]:
        nonlocal loads
        loads += 1
        return issuer.key_set()

    verifier = IdTokenVerifier(issuer.issuer, issuer.audience, keys=keys, algorithms=("RS256",))
    old = issuer.sign("u")
    verifier.verify(old)
    verifier.verify(old)
    assert loads == 1
    issuer.rotate()
    verifier.verify(issuer.sign("u"))
    verifier.verify(old)  # the old key is still published
    assert loads == 2
    issuer.rotate()
    issuer.forget_old_keys()
    verifier.verify(issuer.sign("u"))
    assert reason(verifier, old) == "key"
    assert loads == 4


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "x" * 9000, "eyJhbGciOiJSUzI1NiJ9.e30."])
def test_what_is_no_token(token: str) -> None:
    assert reason(FirebaseIssuer().verifier(), token) in ("malformed", "key")


def test_a_token_without_a_key_and_one_for_encryption() -> None:
    issuer = FirebaseIssuer()
    claims = jwt.decode(issuer.sign("u"), options={"verify_signature": False})
    assert reason(issuer.verifier(), jwt.encode(claims, issuer._signing_key(), "RS256")) == "key"
    key = issuer.key_set()["keys"][0] | {"use": "enc"}
    verifier = IdTokenVerifier(issuer.issuer, issuer.audience, keys=lambda: {"keys": [key]})
    assert reason(verifier, issuer.sign("u")) == "key"


def test_an_issuer_signs_with_three_algorithms_only() -> None:
    with pytest.raises(BadValue, match="HS512"):
        SupabaseIssuer(algorithm="HS512")  # type: ignore[arg-type]
    assert "secret" not in repr(SupabaseIssuer(algorithm="HS256")).lower()
