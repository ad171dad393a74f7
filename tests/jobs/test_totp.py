"""TOTP as the RFCs have it, and as our window takes it."""

import pytest

from jobs import totp

SHA1 = b"12345678901234567890"
KEYS = {"sha1": SHA1, "sha256": (SHA1 * 2)[:32], "sha512": (SHA1 * 4)[:64]}
RFC_4226 = [755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489]
RFC_6238 = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


def test_the_codes_are_those_of_rfc_4226():
    assert [int(totp.code_at(SHA1, step)) for step in range(10)] == RFC_4226


@pytest.mark.parametrize(("seconds", "sha1", "sha256", "sha512"), RFC_6238)
def test_the_codes_are_those_of_rfc_6238(seconds, sha1, sha256, sha512):
    made = [totp.code_at(key, seconds // 30, digits=8, digest=name) for name, key in KEYS.items()]

    assert made == [sha1, sha256, sha512]


@pytest.mark.parametrize(
    ("off", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_code_counts_one_step_before_and_after_its_time(off, found):
    code = totp.code_at(SHA1, 1_000 + off)

    assert (totp.step_of(SHA1, code, 30_015) == 1_000 + off) is found


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "\ud800"])
def test_what_is_no_code_fits_nothing(code):
    assert totp.step_of(SHA1, code, 30_015) is None


def test_an_app_is_told_the_secret_in_base32_and_the_address_escaped():
    uri = totp.uri_of(SHA1, "ada+x@example.org")

    assert uri.startswith("otpauth://totp/Ilm%3Aada%2Bx%40example.org?")
    assert f"secret={totp.base32(SHA1)}" in uri
    assert totp.base32(SHA1) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
