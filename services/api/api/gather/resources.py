"""What is gathered."""

RESOURCES = ("users", "products", "orders")
