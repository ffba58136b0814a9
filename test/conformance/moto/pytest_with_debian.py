"""Runs pytest. Where the python3 on PATH is not Debian's, pytest and freezegun may be
Debian's all the same: they are pure Python, so they are looked for there last."""

import sys

sys.path.append("/usr/lib/python3/dist-packages")

try:
    import freezegun  # noqa: F401
    import pytest
except ImportError as missing:
    sys.exit(f"{missing}: install the Debian packages python3-pytest and python3-freezegun")

sys.exit(pytest.main(sys.argv[1:]))
