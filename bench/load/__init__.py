"""The load generator: raw HTTP/1.1 over kept-alive connections, every response checked.

It shares no code with what it measures, and is light, so that one core of it can saturate one core of a server.
"""
