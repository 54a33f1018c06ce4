"""Records anew: ``python -m tests.recorded [TREE]``, with the tree of the code to record."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.recorded.recording import DATA, ROOT, recordings

tree = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
with tempfile.TemporaryDirectory() as state:
    found = asyncio.run(recordings(tree, Path(state)))
DATA.mkdir(exist_ok=True)
for name, text in found.items():
    (DATA / name).write_text(text, encoding="utf-8")
print(f"{sum(text.count('=== ') for text in found.values())} answers recorded in {DATA}")
