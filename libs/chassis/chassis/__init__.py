"""What both Django services need and no domain: settings, handler, middleware, logs, metrics, errors, health, bus."""
