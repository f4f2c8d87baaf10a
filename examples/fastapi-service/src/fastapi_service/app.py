"""The routes of the service."""

import os
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from opentelemetry import metrics
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from fastapi_service import telemetry

meter = metrics.get_meter("fastapi_service")
requests = meter.create_counter("requests", description="Requests by route and status.")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Export traces and metrics while the service runs."""
    stop = telemetry.start()
    yield
    stop()


app = FastAPI(title="fastapi-service", lifespan=lifespan)


@app.middleware("http")
async def count(request: Request, call_next) -> Response:
    """Count the request under its route, of which there are few, and not its path, of which there may be any number."""
    response = await call_next(request)
    route = request.scope.get("route")
    requests.add(1, {"http.route": route.path if route else "", "http.response.status_code": response.status_code})
    return response


@app.get("/")
def read_root() -> dict[str, str]:
    """Say hello, and which Python says it."""
    return {"hello": "world", "python": platform.python_version(), "uid": str(os.getuid())}


@app.get("/health")
def read_health() -> dict[str, str]:
    """Tell an orchestrator that the service answers."""
    return {"status": "ok"}


FastAPIInstrumentor.instrument_app(app, excluded_urls="health")
