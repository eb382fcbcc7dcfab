import pytest

from treaty_events.signing import sign, verify

EXAMPLE = b"v1=d7e4b9186510927d12fd08974adf294acfae39ba4f481ae1ee2701fd01944cff"


def test_the_documented_example_holds() -> None:
    """The worked example of docs/protocols/ingestion.md, made with
    `printf 'acme-edge\\n\\n1767323045678\\n{"t":21.5}' | openssl dgst -sha256 -hmac s3cret`.
    """
    assert sign(b"s3cret", "acme-edge", "1767323045678", b'{"t":21.5}') == EXAMPLE


def test_a_signature_verifies() -> None:
    made = sign(b"s3cret", "gw", "1", b"body", device="d")
    assert verify(b"s3cret", made, "gw", "1", b"body", device="d")


@pytest.mark.parametrize(
    ("secret", "gateway", "timestamp", "body", "device"),
    [
        (b"other", "gw", "1", b"body", "d"),
        (b"s3cret", "gx", "1", b"body", "d"),
        (b"s3cret", "gw", "2", b"body", "d"),
        (b"s3cret", "gw", "1", b"bodx", "d"),
        (b"s3cret", "gw", "1", b"body", ""),
    ],
)
def test_every_part_is_signed(secret: bytes, gateway: str, timestamp: str, body: bytes, device: str) -> None:
    made = sign(b"s3cret", "gw", "1", b"body", device="d")
    assert not verify(secret, made, gateway, timestamp, body, device=device)


@pytest.mark.parametrize("signature", [b"", b"v1=", b"v2=" + b"0" * 64, b"\xff" * 67, b"0" * 64])
def test_what_is_no_signature_does_not_verify(signature: bytes) -> None:
    assert not verify(b"s3cret", signature, "gw", "1", b"body")


def test_parts_do_not_run_into_each_other() -> None:
    assert sign(b"k", "a", "1", b"x", device="b") != sign(b"k", "ab", "1", b"x")
