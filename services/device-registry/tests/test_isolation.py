"""Nobody sees, or can tell the existence of, what is in another workspace."""

import uuid

import pytest


@pytest.fixture
async def own(client, as_member, make, unique):
    """A member, admin of a workspace that is not the fleet's."""
    workspace = await make(client, "/v1/workspaces", {"name": unique("own")})
    return f"/v1/workspaces/{workspace['id']}", await as_member({workspace["id"]: "admin"})


def requests(fleet, path):
    """Every route about something of the fleet's, asked under the path."""
    device, gateway, site = fleet.device["id"], fleet.gateway["id"], fleet.site["id"]
    patch = {"name": "Mine"}
    return [
        ("GET", f"{path}/devices/{device}", None),
        ("PATCH", f"{path}/devices/{device}", patch),
        ("DELETE", f"{path}/devices/{device}", None),
        ("POST", f"{path}/devices/{device}/key", None),
        ("GET", f"{path}/devices/{device}/state", None),
        ("GET", f"{path}/devices/{device}/readings", None),
        ("GET", f"{path}/gateways/{gateway}", None),
        ("PATCH", f"{path}/gateways/{gateway}", patch),
        ("DELETE", f"{path}/gateways/{gateway}", None),
        ("POST", f"{path}/gateways/{gateway}/secret", None),
        ("GET", f"{path}/sites/{site}", None),
        ("PATCH", f"{path}/sites/{site}", patch),
        ("DELETE", f"{path}/sites/{site}", None),
    ]


async def test_a_foreign_id_under_ones_own_workspace_is_not_found(own, fleet):
    path, member = own
    for method, url, body in requests(fleet, path):
        answer = await member.request(method, url, json=body, headers={"If-Match": "*"})
        assert answer.status_code == 404, (method, url, answer.text)


async def test_a_foreign_workspace_is_not_found_on_any_route(own, fleet):
    _, member = own
    lists = [(m, f"{fleet.path}{p}", None) for m in ("GET",) for p in ("", "/sites", "/gateways", "/devices")]
    lists += [("GET", f"{fleet.path}/state", None), ("GET", f"{fleet.path}/inbox", None)]
    lists += [("POST", f"{fleet.path}/sites", {"name": "Mine"})]
    lists += [
        ("POST", f"{fleet.path}/inbox/x/approve", {"model": "a/b"}),
        ("DELETE", f"{fleet.path}/inbox/x", None),
    ]
    for method, url, body in [*requests(fleet, fleet.path), *lists]:
        answer = await member.request(method, url, json=body, headers={"If-Match": "*"})
        assert answer.status_code == 404, (method, url, answer.text)


async def test_a_foreign_workspace_looks_like_none_at_all(own, fleet):
    _, member = own
    foreign = await member.get(fleet.path)
    none = await member.get(f"/v1/workspaces/{uuid.uuid4()}")
    assert foreign.json() == none.json()


async def test_lists_hold_ones_own_only(own, fleet):
    path, member = own
    workspaces = (await member.get("/v1/workspaces")).json()["items"]
    assert [f"/v1/workspaces/{item['id']}" for item in workspaces] == [path]
    for part in ("sites", "gateways", "devices", "inbox"):
        assert (await member.get(f"{path}/{part}")).json()["items"] == []


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", ()), ("operator", ("sites", "devices")), ("admin", ("sites", "devices", "gateways"))],
)
async def test_roles_bound_what_is_made(as_member, fleet, unique, role, may):
    member = await as_member({fleet.workspace["id"]: role})
    bodies = {
        "sites": {"name": "S"},
        "gateways": {"slug": unique("g"), "network": "native", "authentication": "signature"},
        "devices": {
            "external_id": unique("d"),
            "gateway_id": fleet.gateway["id"],
            "model": fleet.model["id"],
        },
    }
    for part, body in bodies.items():
        answer = await member.post(f"{fleet.path}/{part}", json=body)
        assert answer.status_code == (201 if part in may else 403), (part, answer.text)
        assert (await member.get(f"{fleet.path}/{part}")).status_code == 200


async def test_what_is_the_installations_is_the_platform_admins(as_member, fleet):
    member = await as_member({fleet.workspace["id"]: "admin"})
    assert (await member.post("/v1/workspaces", json={"name": "W"})).status_code == 403
    body = {"id": "a/b", "name": "B", "plugin": "acme"}
    assert (await member.post("/v1/device-models", json=body)).status_code == 403
    model = f"/v1/device-models/{fleet.model['id']}"
    assert (await member.patch(model, json={"plugin": "other"}, headers={"If-Match": "*"})).status_code == 403
    assert (await member.delete(fleet.path, headers={"If-Match": "*"})).status_code == 403
    assert (await member.get(model)).status_code == 200


async def test_without_a_token_nothing_is_said(stranger, fleet):
    for path in ("/v1/workspaces", fleet.path, f"{fleet.path}/state", "/v1/device-models"):
        answer = await stranger.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await stranger.get("/livez")).status_code == 200


async def test_browsers_of_listed_origins_may_call(stranger):
    for origin, allowed in (("http://console.test", True), ("http://evil.test", False)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        answer = await stranger.options("/v1/workspaces", headers=asked)
        assert ("access-control-allow-origin" in answer.headers) is allowed


async def test_a_workspace_claim_that_is_no_id_is_of_no_workspace(as_member, fleet):
    member = await as_member({"not-an-id": "admin", fleet.workspace["id"]: "viewer"})
    found = (await member.get("/v1/workspaces")).json()["items"]
    assert [item["id"] for item in found] == [fleet.workspace["id"]]
    assert (await member.get("/v1/workspaces/not-an-id")).status_code == 422
