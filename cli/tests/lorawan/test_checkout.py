"""A checkout is read within its folder and its bounds; git is not asked: it would obey what is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.refusal import CheckoutError, RefusedError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "vendor" / "acme" / "lib").mkdir(parents=True)
    (root / "vendor" / "acme" / "codec.js").write_text("1")
    (tmp_path / "secret.js").write_text("2")
    return root


def test_a_folder_without_vendors_is_no_checkout(tmp_path):
    with pytest.raises(CheckoutError, match="vendor"):
        Checkout(tmp_path)


def test_links_are_followed_within_the_checkout_only(root, tmp_path):
    acme = root / "vendor" / "acme"
    (acme / "same.js").symlink_to("codec.js")
    (acme / "out.js").symlink_to("../../../secret.js")
    (acme / "round.js").symlink_to("round.js")
    (acme / "away").symlink_to(tmp_path)
    checkout = Checkout(root)
    assert checkout.read("vendor/acme/same.js", 10) == b"1"
    refused = {}
    for name in (
        "out.js",
        "away/secret.js",
        "round.js",
        "../acme/codec.js",
        "/etc/passwd",
        "lib",
        "none.js",
        "",
    ):
        with pytest.raises(RefusedError) as error:
            checkout.read(f"vendor/acme/{name}", 10)
        refused[name] = error.value.refusal.code
    assert refused == {
        "out.js": "L803",
        "away/secret.js": "L803",
        "round.js": "L802",
        "../acme/codec.js": "L803",
        "/etc/passwd": "L803",
        "lib": "L803",
        "none.js": "L802",
        "": "L803",
    }


def test_a_pipe_keeps_nobody_waiting(root):
    os.mkfifo(root / "vendor" / "acme" / "pipe.js")
    with pytest.raises(RefusedError, match="L803"):
        Checkout(root).read("vendor/acme/pipe.js", 10)


def test_what_is_larger_than_asked_for_is_refused(root):
    (root / "vendor" / "acme" / "large.js").write_bytes(bytes(11))
    with pytest.raises(RefusedError, match="L804"):
        Checkout(root).read("vendor/acme/large.js", 10)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({"HEAD": COMMIT}, COMMIT),
        ({"HEAD": "ref: refs/heads/main", "refs/heads/main": COMMIT}, COMMIT),
        ({"HEAD": "ref: refs/heads/main", "packed-refs": f"# pack-refs\n{COMMIT} refs/heads/main"}, COMMIT),
        ({"HEAD": "ref: ../../secret.js"}, None),
        ({"HEAD": "$(reboot)"}, None),
        ({}, None),
    ],
)
def test_the_commit_is_what_head_points_to(root, files, commit):
    for name, text in files.items():
        place = root / ".git" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text + "\n")
    assert Checkout(root).commit() == commit
