"""What people would pick instead, each as its own documentation has it, in production settings.

They run in a venv of their own (locks/bench.txt). Those with equal duty do per request what Millrace's middleware does:
see `duty.py`.
"""
