"""What the family has and this server has not: a 404 that says which feature was looked for (bracket.md section 1)."""

from bracketd.wire.parameters import Parameters
from bracketd.wire.replies import RESOURCE_NOT_FOUND, Reply, resource_not_found

FEATURES = {
    "/api/v1/event": "GTT orders",
    "/api/v1/basket": "basket orders",
    "/api/v1/optionchain": "option chain",
    "/api/v1/alerts": "alerts",
    "/api/v1/tradeipo": "IPO",
}
"""Features by the paths that the family's documents and clients call them under."""

EXECUTIONS = {"SPD": "spread orders"}
"""Features that share the path of the bracket orders, by their execution type (wire.md 1.6)."""


def absent(path: str) -> Reply:
    """404; its message names the feature where the path is known to be one of the family's."""
    for prefix, feature in FEATURES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return resource_not_found(feature)
    return RESOURCE_NOT_FOUND


def absent_execution(parameters: Parameters) -> Reply | None:
    """The same 404 for a placement or modification that asks for such a feature in its fields; None for others.

    A basket is executed by its name and with an `execution_state` that no order has.
    """
    feature = EXECUTIONS.get((parameters.text("execution_type") or "").upper())
    if feature is None and parameters.text("execution_state") is not None:
        feature = FEATURES["/api/v1/basket"]
    return None if feature is None else resource_not_found(feature)
