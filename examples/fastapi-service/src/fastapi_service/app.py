"""The routes of the service."""

import os
import platform

from fastapi import FastAPI

app = FastAPI(title="fastapi-service")


@app.get("/")
def read_root() -> dict[str, str]:
    """Say hello, and which Python says it."""
    return {"hello": "world", "python": platform.python_version(), "uid": str(os.getuid())}


@app.get("/health")
def read_health() -> dict[str, str]:
    """Tell an orchestrator that the service answers."""
    return {"status": "ok"}
