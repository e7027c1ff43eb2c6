"""An empty FastAPI route for the same DELETE: a body of the same fields, validated, and 200."""

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.get("/healthz")
async def alive() -> dict[str, str]:
    """Say that it answers."""
    return {"status": "success"}


@app.delete("/api/v1/orders/kart/{oms_order_id}")
async def cancel(oms_order_id: str, fields: dict[str, Any]) -> dict[str, str]:
    """Cancel nothing."""
    return {"status": "success", "message": "Order cancelled successfully"}
