"""What is forgiven beside hour 1 is said, so that nobody signs 14 % as if it were within 10."""

from __future__ import annotations

from engine.config import Deployment
from engine.monitoring.hour_one import compared, measures
from engine.monitoring.standing import Hour


def test_a_difference_that_is_too_small_to_count_says_so(deployment: Deployment) -> None:
    compare = deployment.checklist.compare
    first, last = Hour(1, 0.6, 62.15, 25.0), Hour(24, 0.6, 71.31, 25.0)
    status, said = compared([last], first, measures(compare)[1:2], 10.0)
    assert status is True
    assert said == "resident memory 71.31 MB in hour 24, 62.15 in hour 1 (9.16 MB more, under 10 MB does not count)"


def test_a_difference_within_the_percentage_says_nothing_of_it_and_one_that_counts_fails(
    deployment: Deployment,
) -> None:
    compare = deployment.checklist.compare
    first = Hour(1, 0.6, 100.0, 25.0)
    near = compared([Hour(2, 0.6, 105.0, 25.0)], first, measures(compare)[1:2], 10.0)
    far = compared([Hour(2, 0.6, 115.0, 25.0)], first, measures(compare)[1:2], 10.0)
    assert near[0] is True and "does not count" not in near[1]
    assert far[0] is False and "does not count" not in far[1]


def test_what_was_forgiven_in_an_earlier_hour_is_said_beside_the_last(deployment: Deployment) -> None:
    compare = deployment.checklist.compare
    first = Hour(1, 0.6, 62.0, 25.0)
    hours = [Hour(2, 0.6, 62.0, 29.0), Hour(3, 0.6, 62.0, 25.0)]
    status, said = compared(hours, first, measures(compare), 5.0)
    assert status is True and "CPU 29 % in hour 2" in said and "4 points more, under 5 points does not count" in said
