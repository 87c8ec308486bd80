"""The upstream that the api calls in tests, demos and benchmarks: plain ASGI, with latency and faults on demand."""
