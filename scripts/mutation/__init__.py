"""Mutation testing: does a test fail when the code is wrong? `scripts/mutants` runs it; docs/testing.md explains it.

operators.py  makes the mutants of a source text; most operators are mutmut's
trial.py      runs a module's tests on one mutant, in a forked process that imports the mutant instead of the file
modules.toml  which modules, with which tests, and the survivors that are accepted, each with its reason

mutmut itself cannot run here: it names a module by its path from the root (`libs.chassis.chassis.gcra`), and skips
functions with decorators.
"""
