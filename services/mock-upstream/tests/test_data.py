"""The rows are the same everywhere and consistent with each other."""

import json
import subprocess
import sys

import pytest

from mock_upstream.data import RESOURCES, TOTAL, page


def test_another_process_has_the_same_rows() -> None:
    """Nothing depends on a hash seed, a clock or an unseeded draw."""
    code = "import json; from mock_upstream.data import RESOURCES; print(json.dumps(RESOURCES))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout) == RESOURCES


@pytest.mark.parametrize("resource", RESOURCES)
def test_ids_count_from_one(resource: str) -> None:
    """300 rows with the ids 1 to 300, in order."""
    assert [row["id"] for row in RESOURCES[resource]] == list(range(1, TOTAL + 1))


def test_an_order_costs_its_quantity_of_the_product() -> None:
    """total_cents is price_cents of the ordered product, times quantity."""
    prices = {row["id"]: row["price_cents"] for row in RESOURCES["products"]}
    for order in RESOURCES["orders"]:
        assert order["total_cents"] == int(prices[order["product_id"]]) * int(order["quantity"])


def test_orders_refer_to_rows_that_exist() -> None:
    """Every user and product of an order is one of the 300."""
    ids = set(range(1, TOTAL + 1))
    assert {order["user_id"] for order in RESOURCES["orders"]} == ids
    assert {order["product_id"] for order in RESOURCES["orders"]} == ids


def test_emails_are_unique() -> None:
    """No two users share an address."""
    assert len({row["email"] for row in RESOURCES["users"]}) == TOTAL


def test_a_page_is_encoded_once() -> None:
    """The second request for a limit gets the same bytes object."""
    assert page("users", 7) is page("users", 7)
