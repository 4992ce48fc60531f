"""Rows of the process table that one upload in this process cannot show, and who shows them."""

KILL = "tests/processes/test_kill.py"
CONCURRENCY = "tests/processes/test_concurrency.py"

# row: (file, test), or the reason why there is nothing to show
ELSEWHERE: dict[str, tuple[str, str] | str] = {
    "P01": (KILL, "test_an_interrupted_run_ends_within_five_seconds"),
    "P02": (KILL, "test_the_exit_code_of_a_killed_run_names_the_signal"),
    "P03": (KILL, "test_no_row_of_a_killed_run_says_stored_of_a_missing_object"),
    "P04": (KILL, "test_after_the_next_run_the_release_is_stored_byte_for_byte"),
    "P11": ("tests/deploy/test_publish.py", "test_rows_that_could_not_be_written_are_counted"),
    "P17": (CONCURRENCY, "test_two_collectstatic_at_once_both_succeed_and_promise_what_is_there"),
    "P18": (CONCURRENCY, "test_of_16_writers_of_a_key_one_wins_in_full_and_all_have_a_row"),
    "P19": ("tests/processes/test_fork.py", "test_no_worker_gets_the_answer_of_another"),
    "P20": (CONCURRENCY, "test_one_storage_serves_100_threads"),
    "P21": (KILL, "test_after_the_next_run_every_stored_row_has_its_object"),
    "P23": ("tests/test_memory.py", "test_a_save_of_300_mb_needs_no_more_than_one_of_1_mb"),
    "P24": ("tests/clients/test_component.py", "test_a_token_is_used_for_nine_tenths_of_its_life"),
    "P25": "no row is written before the outcome is known, so none is left pending",
    "P26": "there is no retention job yet",
    "P27": (
        "tests/upload/test_uploader.py",
        "test_five_files_that_used_all_attempts_alike_stop_the_batch",
    ),
    "P28": "there are no signals and no metrics hooks yet",
    "P29": ("tests/upload/test_workers.py", "test_a_hanging_worker_does_not_keep_the_process"),
}

# The tables of faults: the first and the last row of each.
TABLES = {"N": 25, "W": 22, "C": 19, "P": 30}
