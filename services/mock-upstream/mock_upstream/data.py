"""The rows: 300 users, products and orders that are the same in every process and on every run."""

import json
from functools import lru_cache

TOTAL = 300
DEFAULT_LIMIT = 10

_FIRST_NAMES = ("Ada", "Alan", "Barbara", "Cleve", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan")
_LAST_NAMES = ("Archer", "Brook", "Carver", "Dale", "Ellis", "Fletcher", "Garner", "Hale", "Ingram", "Joyce", "Kemp")
_MATERIALS = ("Oak", "Steel", "Linen", "Copper", "Walnut", "Wool", "Slate")
_THINGS = ("Desk", "Lamp", "Chair", "Kettle", "Shelf", "Blanket", "Clock", "Bowl", "Crate")
_STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled")

type Row = dict[str, int | str]


def _user(number: int) -> Row:
    name = f"{_FIRST_NAMES[number % len(_FIRST_NAMES)]} {_LAST_NAMES[number % len(_LAST_NAMES)]}"
    return {"id": number, "name": name, "email": f"{name.lower().replace(' ', '.')}.{number}@example.com"}


def _product(number: int) -> Row:
    return {
        "id": number,
        "name": f"{_MATERIALS[number % len(_MATERIALS)]} {_THINGS[number % len(_THINGS)]} {number}",
        "price_cents": _price_cents(number),
        "stock": number * 31 % 120,
    }


def _price_cents(product: int) -> int:
    return 199 + product * 7919 % 49_800


def _order(number: int) -> Row:
    # Steps that share no factor with 300, so the orders spread over all users and products.
    product, quantity = number * 7 % TOTAL + 1, number % 5 + 1
    return {
        "id": number,
        "user_id": number * 11 % TOTAL + 1,
        "product_id": product,
        "quantity": quantity,
        "status": _STATUSES[number * 3 % len(_STATUSES)],
        "total_cents": quantity * _price_cents(product),
    }


_NUMBERS = range(1, TOTAL + 1)

RESOURCES: dict[str, list[Row]] = {
    "users": [_user(number) for number in _NUMBERS],
    "products": [_product(number) for number in _NUMBERS],
    "orders": [_order(number) for number in _NUMBERS],
}


@lru_cache(maxsize=len(RESOURCES) * TOTAL)
def page(resource: str, limit: int) -> bytes:
    """The first `limit` rows as encoded JSON: `{"<resource>": [row, ...], "total": 300}`.

    Cached, so that a benchmark of a client does not measure this encoder.
    """
    body = {resource: RESOURCES[resource][:limit], "total": TOTAL}
    return json.dumps(body, separators=(",", ":")).encode()
