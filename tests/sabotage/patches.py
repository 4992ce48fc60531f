"""The sabotages: one damage each to a rule of the design, and the tests that must turn red by it.

Whether the suite notices a damage of any line is shown by ``make mutants``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """`old` stands exactly once in `file` (of the package); every test of `red` must fail."""

    rule: str
    name: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]


WAITING = "upload/test_waiting.py::"
SABOTAGES = (
    Sabotage(
        "A user reaches the environments that ENVIRONMENTS offers, and no other",
        "show the rows of every environment",
        "submit/access.py",
        "return rows.filter(reduce(or_, parts, Q(pk__in=())))",
        "return rows",
        ("security/test_entries.py::test_another_tenant_is_answered_as_if_its_rows_did_not_exist",),
    ),
    Sabotage(
        "D1: an upload whose body was sent and not answered is unknown",
        "call a lost answer failed",
        "upload/transfer.py",
        "status = UploadStatus.UNKNOWN if self.maybe_stored else UploadStatus.FAILED",
        "status = UploadStatus.FAILED",
        ("test_storage.py::test_a_save_whose_answer_is_lost_is_unknown",),
    ),
    Sabotage(
        "D1: no later error makes such an upload failed",
        "forget the first body when a later attempt fails",
        "upload/transfer.py",
        "self.maybe_stored |= error.maybe_stored",
        "self.maybe_stored = error.maybe_stored",
        ("upload/test_uploader.py::test_each_fault_ends_an_upload_with_its_status_and_stage",),
    ),
    Sabotage(
        "D2: a retry is a re-sign",
        "reuse the link for the second attempt",
        "clients/wechat.py",
        "\n    def upload_link(",
        "    @lambda call, got={}: lambda *a, **k: got.get(a) or got.setdefault(a, call(*a, **k))"
        "\n    def upload_link(",
        (
            "test_storage.py::test_an_attempt_never_uses_a_link_twice",
            "test_properties.py::test_h05_any_sequence_of_faults_ends_in_one_true_outcome",
        ),
    ),
    Sabotage(
        "D2: the ETag is compared always",
        "skip the ETag comparison",
        "clients/cos.py",
        "    if not named or tag == md5:\n",
        "    if not named or tag:\n",
        (
            "clients/test_cos.py::test_another_md5_as_etag_means_that_wrong_bytes_are_there",
            "test_storage.py::test_bytes_that_arrive_damaged_are_sent_again",
        ),
    ),
    Sabotage(
        "D2: each attempt rewinds the body",
        "let the first attempt empty a pipe",
        "upload/sources.py",
        "yield item if item.close else replace(item, open=kept)",
        "yield item",
        ("test_properties.py::test_h04_any_source_arrives_whole",),
    ),
    Sabotage(
        "D3: publish at the end, then write the manifest",
        "write the manifest first",
        "staticfiles.py",
        "        return super()._publish_all(items, hash_items([last])[0], self.save_manifest)\n",
        """\
        self.save_manifest()
        return super()._publish_all(items, hash_items([last])[0], self.save_manifest)
""",
        ("test_staticfiles.py::test_a_failed_run_leaves_the_local_manifest",),
    ),
    Sabotage(
        "D4: the cloud is the truth",
        "believe the newest row where the list shows another MD5",
        "core/match.py",
        "if known.md5 == remote.md5 else Match.DIFFERS",
        "if known.md5 else Match.DIFFERS",
        (
            "deploy/test_plan_current_state.py::test_what_somebody_else_overwrote_is_sent",
            "deploy/test_plan_current_state.py::test_what_a_killed_run_replaced_is_sent",
        ),
    ),
    Sabotage(
        "D4: a row speaks of the object only if it is not older",
        "believe a row that is older than its object",
        "upload/presence.py",
        "in_time = file.last_modified <= self.stored_at + SLACK\n",
        "in_time = True\n",
        (
            "deploy/test_plan_current_state.py::test_without_md5_a_file_whose_object_is_younger_than_its_row_is_sent",
        ),
    ),
    Sabotage(
        "D4: a run whose rows are not all written stays open",
        "call a deployment done whose rows are missing",
        "upload/recorder.py",
        "        _unwritten_rows.extend(self._rows)\n        return written\n",
        "        return True\n",
        (
            "upload/test_recorder.py::test_a_deployment_whose_rows_are_refused_to_the_end_is_incomplete",
        ),
    ),
    Sabotage(
        "D5: exists() tells the truth, and no name is overwritten",
        "exists() always False",
        "upload/presence.py",
        "return None if file is None or file.md5 == DELETED_MD5 else file",
        "return None",
        (
            "test_storage.py::test_exists_is_true_of_the_exact_name_only",
            "test_storage.py::test_a_taken_name_gets_a_suffix",
        ),
    ),
    Sabotage(
        "D17: a list may be late",
        "believe the list alone",
        "upload/presence.py",
        "if row and (row.is_missed_by(file) if self.listed",
        "if row and (False if self.listed",
        (
            "test_storage.py::test_two_saves_of_one_name_by_one_thread_get_two_names",
            "api/test_conditions.py::test_another_client_does_not_replace_a_file_that_the_list_does_not_show_yet",
        ),
    ),
    Sabotage(
        "D5: a deleted file is not there",
        "show what was deleted",
        "upload/presence.py",
        "return None if file is None or file.md5 == DELETED_MD5 else file",
        "return file",
        ("test_storage.py::test_what_is_deleted_is_not_there",),
    ),
    Sabotage(
        "D6: a page is held back when an asset fails",
        "publish HTML before assets",
        "deploy/publish.py",
        "        yield from self._new_first(self.plan.assets)\n",
        """\
        yield from self._new_first(self.plan.pages)
        yield from self._new_first(self.plan.assets)
""",
        ("test_staticfiles.py::test_an_asset_that_fails_holds_back_html_and_manifest_only",),
    ),
    Sabotage(
        "D6: what is live changes after all that is new is stored",
        "send what replaces an object beside what is new",
        "deploy/publish.py",
        "        yield [item for item in items if key(item.name) not in existing]\n",
        "        yield items\n",
        ("deploy/test_publish.py::test_what_is_new_is_sent_before_what_replaces_an_object",),
    ),
    Sabotage(
        "D6: a live page names nothing that was blanked",
        "blank assets although a page could not be blanked",
        "deploy/verify.py",
        "        if failed:\n            return len(others)\n",
        "        if failed is None:\n            return len(others)\n",
        ("deploy/test_verify.py::test_a_page_that_cannot_be_blanked_holds_back_all_other_files",),
    ),
    Sabotage(
        "D7: the log cannot break an upload",
        "a log error that fails the upload",
        "upload/database.py",
        "        down, again = _is_down(error), _down\n",
        "        raise\n",
        (
            "upload/test_recorder.py::test_without_the_table_there_is_one_warning",
            "upload/test_recorder.py::test_a_failing_row_leaves_the_callers_transaction_usable",
        ),
    ),
    Sabotage(
        "D7: every upload has a row",
        "write no row of what is broken off",
        "upload/uploader.py",
        "                record_one(result, context)\n                raise\n",
        "                raise\n",
        (
            "test_broken_off.py::test_an_upload_that_is_ended_while_cos_has_its_body_is_unknown",
            "test_broken_off.py::test_an_upload_that_is_ended_before_its_body_went_failed",
        ),
    ),
    Sabotage(
        "D8: each entry enforces the allow-list",
        "take uploads into a closed store",
        "submit/policy.py",
        "if is_known and uploads and not _takes_uploads(using):",
        "if False:",
        ("api/test_views.py::test_a_closed_store_takes_no_uploads",),
    ),
    Sabotage(
        "D8: an unknown option names itself",
        "take an unknown option",
        "conf/settings.py",
        "if name not in known:",
        "if name in ():",
        ("conf/test_settings.py::test_a_misspelt_option_names_its_nearest_neighbour",),
    ),
    Sabotage(
        "D9: an error shows no secret",
        "put the token into an exception",
        "clients/transport.py",
        "failed = _classify(chain, origin, late=not deadline.left())",
        "failed = _classify(chain, origin + current_exchange.get().query.reveal(), late=False)",
        (
            "test_secret_scan.py::test_no_secret_is_left_behind",
            "test_properties.py::test_h12_no_error_shows_a_secret",
        ),
    ),
    Sabotage(
        "D9: no redirect is followed",
        "follow redirects",
        "clients/transport.py",
        """\
            "retries": _NO_RETRIES,
            "redirect": False,
""",
        """\
            "retries": 3,
            "redirect": True,
""",
        (
            "clients/test_transport.py::test_no_redirect_is_followed_and_the_other_host_hears_nothing",
        ),
    ),
    Sabotage(
        "D13: an interrupted run writes every row",
        "let an interrupt break off what ends the run",
        "core/interrupts.py",
        "if _State.waiting or not _State.held:",
        "if True:",
        ("core/test_interrupts.py::test_a_second_interruption_leaves_what_ends_the_run_alone",),
    ),
    Sabotage(
        "D13: what a worker raises surfaces",
        "swallow a worker's error",
        "upload/workers.py",
        "        future.set_exception(error)\n",
        "        future.set_result(None)\n",
        ("upload/test_workers.py::test_what_a_worker_raises_surfaces",),
    ),
    Sabotage(
        "D23: the last save of a key wins",
        "send a save past the file that waits",
        "upload/waiting.py",
        "(is_there and row_of(options, key, makes_way=True) is None)",
        "is_there",
        (f"{WAITING}test_a_save_with_file_overwrite_replaces_what_waits_and_is_not_sent_itself",),
    ),
    Sabotage(
        "D23: the last save of a key wins",
        "end a row whose content was replaced meanwhile",
        "upload/waiting.py",
        "rows().filter(*only, pk=row.pk, token=row.token)",
        "rows().filter(*only, pk=row.pk)",
        ("upload/test_push.py::test_a_newer_save_while_the_older_one_is_sent_is_sent_after_it",),
    ),
    Sabotage(
        "D23: the last save of a key wins",
        "free the older bytes before the newer row is committed",
        "upload/waiting.py",
        "update(**columns | kept)):\n        after_commit(partial(free_bytes, row.token))",
        "update(**columns | kept)):\n        free_bytes(row.token)",
        (
            f"{WAITING}test_a_save_that_is_rolled_back_does_not_wait_and_the_older_one_is_whole",
            "upload/test_waiting_invariants.py::test_nothing_of_a_transaction_that_is_rolled_back_is_ever_sent",
        ),
    ),
    Sabotage(
        "D23: one process at a time sends a row",
        "ignore the lease of another process",
        "upload/waiting.py",
        "IS_FREE = Q(leased_until=None) | Q(leased_until__lt=Now())",
        "IS_FREE = Q()",
        (
            "upload/test_push.py::test_a_row_under_lease_is_left_to_who_has_it",
            "upload/test_waiting_invariants.py::test_no_two_pushes_send_a_row_at_the_same_time",
        ),
    ),
    Sabotage(
        "D23: one process at a time sends a row",
        "send though the lease is over",
        "upload/transfer.py",
        "if time.time() > self.item.until:",
        "if False:",
        ("upload/test_push.py::test_who_lost_its_lease_sends_nothing",),
    ),
    Sabotage(
        "D23: nothing is overwritten unasked",
        "send without a look at the key",
        "upload/push.py",
        "elif row.replaces or same is Match.MISSING or",
        "elif True or",
        (
            "upload/test_push.py::test_a_parked_file_that_is_deleted_leaves_the_object_of_somebody_else",
        ),
    ),
)
