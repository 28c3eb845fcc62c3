"""The conformance kit: what a plugin author runs in their own tests, and what the built-ins must pass.

Each `check_` function runs a plugin with all that it offers on a tiny problem, and prints and returns
the optional abilities that the harness recognises of it. It raises AssertionError with one sentence on
what the contract asks for, or `unittest.SkipTest`, which test runners know, where this machine cannot
tell.
"""

from harness.testing.backends import check_backend as check_backend
from harness.testing.datasets import check_dataset as check_dataset
from harness.testing.meters import check_meter as check_meter
from harness.testing.models import check_model as check_model
from harness.testing.pruners import check_pruner as check_pruner
from harness.testing.reporters import check_reporter as check_reporter
from harness.testing.schedules import check_schedule as check_schedule
