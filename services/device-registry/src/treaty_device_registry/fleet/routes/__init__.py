"""The fleet over HTTP: one module a kind of entity."""

from fastapi import APIRouter

from treaty_chassis.http.problems import documented
from treaty_device_registry.fleet.routes import device_models, devices, gateways, resending, sites, workspaces

__all__ = ["router"]

router = APIRouter(prefix="/v1", responses=documented(400, 401, 403, 404, 409, 412, 413, 415, 428, 429, 503))
for part in (workspaces, sites, gateways, device_models, devices, resending):
    router.include_router(part.router)
