"""The routes answer; no collector is needed for it."""

from fastapi.testclient import TestClient

from fastapi_service.app import app


def test_root() -> None:
    with TestClient(app) as client:
        answer = client.get("/")
    assert answer.status_code == 200
    assert answer.json()["hello"] == "world"


def test_health() -> None:
    with TestClient(app) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_unknown_route() -> None:
    with TestClient(app) as client:
        assert client.get("/nowhere").status_code == 404
