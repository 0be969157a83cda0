"""The tests mirror the package; what several of them need is in `tests.platform` and `tests.conftest`."""
