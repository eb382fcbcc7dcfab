"""The directory follows the registry's changes."""

from __future__ import annotations

from dataclasses import replace

from treaty_events.fleet import Authentication
from treaty_ingestion.directory import Directory

from .fleet import ACME, EUI, KEYS, SECRET, ZENITH, device, directory, gateway, id_of, unseal


def test_two_tenants_may_hold_the_same_dev_eui():
    found = directory()
    mine, theirs = found.device(ACME, EUI), found.device(ZENITH, EUI)
    assert mine is not None
    assert theirs is not None
    assert mine.device.device != theirs.device.device


def test_a_slug_that_changes_hands_is_its_new_owners_whatever_is_said_of_the_old_one_later():
    found = directory()
    old = gateway("edge", Authentication.SIGNATURE)
    renamed = replace(old, slug="edge-2", version=2)
    successor = replace(gateway("north", Authentication.TOPIC), gateway=id_of("new"), slug="edge")
    found.gateway_changed(successor.gateway, None, successor)
    found.gateway_changed(old.gateway, old, renamed)
    assert found.gateway_by_slug("edge").gateway.gateway == id_of("new")
    assert found.gateway_by_slug("edge-2").secret == SECRET
    found.gateway_changed(old.gateway, renamed, None)
    assert found.gateway_by_slug("edge-2") is None
    assert found.gateway(old.gateway) is None


def test_a_device_deleted_and_made_again_under_its_external_id_stays_the_new_one():
    found = directory()
    old = device("iam", EUI)
    new = device("iam-again", EUI)
    found.device_changed(new.device, None, new)
    found.device_changed(old.device, old, None)
    assert found.device(ACME, EUI).device.device == new.device


def test_an_external_id_that_changes_leaves_nothing_behind():
    found = directory()
    old = device("iam", EUI)
    found.device_changed(old.device, old, replace(old, external_id="70b3d57ba0000001"))
    assert found.device(ACME, EUI) is None
    assert found.device(ACME, "70b3d57ba0000001") is not None


def test_a_secret_that_does_not_open_is_told_and_proves_nobody():
    found = Directory(lambda sealed, about: unseal(KEYS, sealed, about))
    edge = gateway("edge", Authentication.SIGNATURE)
    moved = replace(edge, gateway=id_of("another"))
    found.gateway_changed(moved.gateway, None, moved)
    assert found.gateway_by_slug("edge").secret is None
    assert id_of("another") in found.check()
    found.gateway_changed(moved.gateway, moved, None)
    assert found.check() is None


def test_a_gateway_by_topic_has_no_secret_even_where_one_was_left_behind():
    found = directory()
    was_signing = replace(gateway("edge", Authentication.SIGNATURE), authentication=Authentication.TOPIC)
    found.gateway_changed(was_signing.gateway, gateway("edge", Authentication.SIGNATURE), was_signing)
    assert found.gateway_by_slug("edge").secret is None
