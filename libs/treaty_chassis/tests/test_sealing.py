import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.sealing import SealError, SealingKey, generate_key, seal, unseal

OLD, NEW = generate_key(), generate_key()
KEY = SealingKey.parse(NEW)


@given(st.binary(), st.text())
def test_a_sealed_value_opens_for_what_it_is_about(secret, about):
    assert unseal(KEY, seal(KEY, secret, about), about) == secret


def test_it_opens_for_nothing_else():
    sealed = seal(KEY, b"secret", "gateway 1")
    with pytest.raises(SealError):
        unseal(KEY, sealed, "gateway 2")
    with pytest.raises(SealError, match="does not hold"):
        unseal(SealingKey.parse(OLD), sealed, "gateway 1")


def test_every_sealing_differs():
    assert seal(KEY, b"secret", "a") != seal(KEY, b"secret", "a")


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_what_was_not_sealed_does_not_open(text):
    for form in (text, f"v1.{KEY.ids[0]}.{text}"):
        with pytest.raises(SealError):
            unseal(KEY, form, "a")


def test_a_changed_byte_does_not_open():
    sealed = seal(KEY, b"secret", "a")
    changed = sealed[:-1] + ("A" if sealed[-1] != "A" else "Q")
    with pytest.raises(SealError):
        unseal(KEY, changed, "a")


def test_keys_rotate():
    sealed = seal(SealingKey.parse(OLD), b"secret", "a")
    both = SealingKey.parse(f"{NEW},{OLD}")
    assert unseal(both, sealed, "a") == b"secret"
    assert unseal(KEY, seal(both, b"secret", "a"), "a") == b"secret"


@pytest.mark.parametrize(("text", "says"), [("", "0 bytes"), ("c2hvcnQ", "5 bytes"), ("???", "base64url")])
def test_a_key_of_another_form_is_refused_without_showing_it(text, says):
    with pytest.raises(SealError, match=says):
        SealingKey.parse(text)


def test_a_key_is_not_shown():
    assert NEW not in repr(KEY)
