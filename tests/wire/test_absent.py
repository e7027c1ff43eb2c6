"""What the family has and this server has not says so by its name."""

from typing import Any

import pytest
from tests.trading_floor import Floor
from tests.wire.counter import KART, Counter

from bracketd.wire import replies


@pytest.mark.parametrize(
    ("method", "target", "feature"),
    [
        ("GET", "/api/v1/event/gtt?client_id=A", "GTT orders"),
        ("DELETE", "/api/v1/event/gtt/A/7", "GTT orders"),
        ("POST", "/api/v1/event/gtt/", "GTT orders"),
        ("GET", "/api/v1/basket?login_id=A", "basket orders"),
        ("PUT", "/api/v1/basket/order", "basket orders"),
        ("GET", "/api/v1/optionchain/NFO?token=1&num=6&price=0", "option chain"),
        ("POST", "/api/v1/alerts", "alerts"),
        ("POST", "/api/v1/tradeipo/get-all-ipo", "IPO"),
    ],
)
async def test_features_by_their_paths(method: str, target: str, feature: str) -> None:
    """A path of the family's that is not here is a JSON 404 that names the feature, token or not."""
    answer = await Counter().call(method, target, token=None)
    assert (answer.status, answer.json()["message"]) == (404, f"Resource not found: {feature}")
    assert answer.body == replies.resource_not_found(feature).body


@pytest.mark.parametrize("target", ["/api/v1/events", "/api/v1/baskets", "/api/v1", "/api/v2/event/gtt"])
async def test_other_paths_name_nothing(target: str) -> None:
    """A path that only resembles one of them is unknown."""
    assert (await Counter().call("GET", target)).body == replies.RESOURCE_NOT_FOUND.body


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"execution_type": "SPD"}, "spread orders"),
        ({"execution_type": "spd", "oms_order_id": "1"}, "spread orders"),
        ({"basket_id": "1", "name": "b", "square_off": False, "execution_state": True}, "basket orders"),
    ],
)
async def test_features_by_their_fields(method: str, fields: dict[str, Any], feature: str) -> None:
    """Spreads and baskets come on the brackets' path: they are told by their fields, and place nothing."""
    counter = Counter(floor=Floor("A"))
    answer = await counter.call(method, KART, {"client_id": "A"} | fields)
    assert (answer.status, answer.json()["message"]) == (404, f"Resource not found: {feature}")
    assert counter.desk.commands == []
