"""The load that planned operations must not disturb: requests at a steady rate, and rooms full of sockets.

`asking` sends requests, `crowd` is people in rooms who post, resume and compare their logs. Both know addresses only;
how the database is reached is handed in, because an engine and a cluster do it differently. Used by tests/containers
and tests/kubernetes.
"""
