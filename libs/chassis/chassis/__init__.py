"""What both Django services need and no domain: settings, ASGI handler, middleware, logging, metrics, errors, health, bus."""
