"""A pytest plugin that tells the tests that reach the server from those that test moto's
own Python code, and judges the run: see run.sh."""

import os

import botocore.endpoint
import pytest

_current = None
_reached = set()
_failed = set()
_passed = set()

_send = botocore.endpoint.Endpoint.make_request


def _counted(self, operation_model, request_dict):
    if _current is not None:
        _reached.add(_current)
    return _send(self, operation_model, request_dict)


botocore.endpoint.Endpoint.make_request = _counted


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item, nextitem):
    global _current
    _current = item.nodeid
    yield
    _current = None


def pytest_runtest_logreport(report):
    if report.failed:
        _failed.add(report.nodeid)
    elif report.when == "call" and report.passed:
        _passed.add(report.nodeid)


def _excused():
    with open(os.environ["MOTO_EXCUSED"], encoding="utf-8") as lines:
        return {line.split("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")}


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    passed, failed = _reached & (_passed - _failed), _reached & _failed
    terminalreporter.write_line("")
    terminalreporter.write_line(f"{len(_reached)} tests reached the server: {len(passed)} passed, {len(failed)} failed")
    for name in sorted(failed - _excused()):
        terminalreporter.write_line(f"not excused: {name}")
    for name in sorted(passed & _excused()):
        terminalreporter.write_line(f"excused, but passes: {name}")


def pytest_sessionfinish(session, exitstatus):
    """The exit status is about the tests that reach the server."""
    passed = len(_reached & (_passed - _failed))
    bad = (_reached & _failed) - _excused()
    session.exitstatus = 1 if bad or passed < int(os.environ["MOTO_LEAST"]) else 0
