"""A service with one route."""

import uvicorn
from fastapi import FastAPI

GREETING = "Hello"

app = FastAPI(title="bench")


@app.get("/")
def hello() -> dict[str, str]:
    """Greet."""
    return {"message": GREETING}


if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=8000)
