"""People with accounts of their own, and one deployment that two of them operate and one looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_accounts import GROUP, People, missing
from shared_site import SharedSite


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    made = People()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def site(people: People) -> Iterator[SharedSite]:
    """A demo of the service's account, shared by the group; the observer was given the right to read."""
    made = SharedSite(people, GROUP)
    made.make()
    try:
        yield made
    finally:
        made.end()
