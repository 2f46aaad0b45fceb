"""The hard cases that the core does not get right yet: each must fail until it does.

A test that passes while it stands here fails the suite, so the list can only shrink.
"""

from typing import Final

import pytest

NOT_YET: Final = {
    "test_case_31_another_name_after_a_long_silence_is_flagged_and_overwrites_nothing",
    "test_case_31_what_the_possible_new_owner_writes_next_moves_neither_flag_nor_name",
    "test_case_31_our_own_messages_to_the_number_do_not_break_its_silence",
    "test_case_31_the_silence_is_the_tenants_to_decide",
    "test_case_31_every_order_of_arrival_flags_the_same_moment",
    "test_case_31_a_late_message_that_fills_the_silence_takes_the_flag_back",
    "test_case_31_a_split_at_that_time_parts_the_two_owners_and_their_messages",
    "test_case_31_after_the_split_messages_go_by_when_they_were_sent",
    "test_case_31_a_replay_after_the_split_changes_nothing",
    "test_case_31_the_split_and_the_messages_in_any_order_part_the_two_alike",
    "test_case_31_the_new_owner_takes_nothing_along_that_was_tied_to_the_old_one",
    "test_case_31_a_split_by_time_that_leaves_nothing_to_one_side_is_refused",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is known to fail, strictly."""
    for item in items:
        if item.name.partition("[")[0] in NOT_YET:
            item.add_marker(pytest.mark.xfail(strict=True, reason="the core is not there yet"))
