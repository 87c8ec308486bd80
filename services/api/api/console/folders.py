"""Where Django looks for the pages' templates and files: beside their views."""

from pathlib import Path

_CONSOLE = Path(__file__).parent

TEMPLATES = sorted(str(folder) for folder in _CONSOLE.glob("*/templates"))
STATIC = sorted(str(folder) for folder in _CONSOLE.glob("*/static"))
