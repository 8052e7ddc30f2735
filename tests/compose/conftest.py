"""Containers are built and started by `make test-compose` alone: nothing here is collected otherwise."""

import os

import pytest

from tests.compose.stack import ComposedProduct, Stack

collect_ignore_glob = [] if os.environ.get("PRODUCT") == "compose" else ["test_*.py"]


@pytest.fixture
def product(stack: Stack) -> ComposedProduct:
    """The product that runs in the containers."""
    return stack.product
