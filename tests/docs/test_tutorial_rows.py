"""The table of the tutorial's examples in `docs/tour.md`: complete, in order, and each row leads to what it names."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = [ROOT / "services" / service / "tests" / "test_tutorial.py" for service in ("api", "realtime")]
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| \[`[^`]+`\]\(\.\./([^)]+)\) \| `(test_\w+)` \| `[^|]+` \|$", re.MULTILINE)


def test_each_example_has_a_file_a_test_and_a_command() -> None:
    rows = ROW.findall((ROOT / "docs" / "tour.md").read_text())
    assert [int(number) for number, _, _ in rows] == list(range(1, 27))
    source = "".join(path.read_text() for path in TESTS)
    for number, file, test in rows:
        assert (ROOT / file).is_file(), file
        assert test.startswith(f"test_{int(number):02}_")
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), test
