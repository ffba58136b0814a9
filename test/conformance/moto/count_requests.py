"""A pytest plugin that tells the tests that reach the server from those that test moto's
own Python code, and judges the run: see run.sh."""

import collections
import os
import signal

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


def _too_long(signum, frame):
    pytest.fail(f"the test took more than {_LIMIT} seconds", pytrace=False)


# Some tests wait without end for what moto would do, such as take "some policy" for a policy.
_LIMIT = 20


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT, 1)  # again, if something swallows it
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def pytest_runtest_logreport(report):
    if report.failed:
        _failed.add(report.nodeid)
    elif report.when == "call" and report.passed:
        _passed.add(report.nodeid)


def _excused():
    """The excused tests, by name, with their classes."""
    tests, kind = {}, None
    with open(os.environ["MOTO_EXCUSED"], encoding="utf-8") as lines:
        for line in map(str.strip, lines):
            if line.startswith("["):
                kind = line[1 : line.index("]")]
            elif line and not line.startswith("#"):
                tests[line] = kind
    return tests


def _complaints():
    """What is wrong with the run. Tests that were not selected are no fault of it, unless
    all were to run."""
    excused = _excused()
    for name in sorted((_reached & _failed) - excused.keys()):
        yield f"not excused: {name}"
    for name in sorted(_reached & (_passed - _failed) & excused.keys()):
        yield f"excused as {excused[name]}, but passes: {name}"
    if os.environ.get("MOTO_WHOLE"):
        for name in sorted(excused.keys() - _reached):
            yield f"excused as {excused[name]}, but does not reach the server: {name}"


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    passed, failed = _reached & (_passed - _failed), _reached & _failed
    classes = collections.Counter(kind for name, kind in _excused().items() if name in failed)
    terminalreporter.write_line("")
    terminalreporter.write_line(f"{len(_reached)} tests reached the server: {len(passed)} passed, {len(failed)} failed")
    for kind, count in classes.most_common():
        terminalreporter.write_line(f"{count:4} {kind}")
    for complaint in _complaints():
        terminalreporter.write_line(complaint)


def pytest_sessionfinish(session, exitstatus):
    """The exit status is about the tests that reach the server. A run that pytest could not
    make (usage, interruption, nothing collected) keeps its status."""
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = 1 if any(_complaints()) or not _reached else 0
