"""Runs a module of CPython's own tests, and writes how each test method ended.

`python cpython_driver.py MODULE OUT`: MODULE is one of the `test` package, such as test_grammar; OUT gets a line of
JSON per method as it ends: `{"method": …, "outcome": "passed" | "failed" | "skipped", "detail": …}`. It is the program
that `cpython_tests` runs natively and on an engine.
"""

import json
import sys
import unittest
import warnings

from test import support


class Outcomes(unittest.TestResult):
    """Writes each outcome at once, so that those before a crash are there."""

    def __init__(self, out, module):
        super().__init__()
        self.out = out
        self.prefix = f"test.{module}."

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.detail = "passed", ""

    def stopTest(self, test):
        super().stopTest(test)
        self.write(test.id())

    def write(self, name):
        line = {"method": name.removeprefix(self.prefix), "outcome": self.outcome, "detail": self.detail}
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()

    def fail(self, detail):
        self.outcome = "failed"
        self.detail += detail

    def addError(self, test, error):
        if isinstance(test, unittest.TestCase):
            self.fail(self._exc_info_to_string(error, test))
        else:  # what is done for a class or module before its first method: none of them is run
            self.outcome, self.detail = "failed", self._exc_info_to_string(error, test)
            self.write(test.id())

    def addFailure(self, test, error):
        self.addError(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.fail(f"{subtest.id()}\n{self._exc_info_to_string(error, test)}")

    def addUnexpectedSuccess(self, test):
        self.fail("unexpected success")

    def addSkip(self, test, reason):
        self.outcome, self.detail = "skipped", reason


def main():
    module, out = sys.argv[1:]
    support.use_resources = []  # none that takes long, much memory or the network
    support.verbose = False
    warnings.simplefilter("default")
    suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")
    with open(out, "w", encoding="utf-8") as file:
        suite.run(Outcomes(file, module))


main()
