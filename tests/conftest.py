"""What holds for every test: nobody's key is used, and no provider but a test's own is asked."""

import os

for name in [n for n in os.environ if n.startswith("ANTHROPIC_")]:
    del os.environ[name]
