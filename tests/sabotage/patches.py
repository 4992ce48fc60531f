"""The sabotages: one small damage each, and the tests that must turn red by it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """`old` stands exactly once in `file` (of the package); every test of `red` must fail."""

    name: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]


_TRANSPORT = "clients/test_transport.py::"

SABOTAGES = (
    Sabotage(
        "reuse the link for the second attempt",
        "upload/transfer.py",
        """\
                    link = store.wechat.upload_link(
                        current, store.env, self.key, left=deadline.left
                    )
""",
        """\
                    link = vars(self).get("link") or store.wechat.upload_link(
                        current, store.env, self.key, left=deadline.left
                    )
                    self.link = link
""",
        (
            "test_storage.py::test_an_attempt_never_uses_a_link_twice",
            "test_properties.py::test_h05_any_sequence_of_faults_ends_in_one_true_outcome",
        ),
    ),
    Sabotage(
        "skip the ETag comparison",
        "clients/cos.py",
        "    if tag == md5:\n",
        "    if tag:\n",
        (
            "clients/test_cos.py::test_another_md5_as_etag_means_that_wrong_bytes_are_there",
            "test_storage.py::test_bytes_that_arrive_damaged_are_sent_again",
        ),
    ),
    Sabotage(
        "follow redirects",
        "clients/transport.py",
        """\
            retries=_NO_RETRIES,
            redirect=False,
""",
        """\
            retries=3,
            redirect=True,
""",
        (_TRANSPORT + "test_no_redirect_is_followed_and_the_other_host_hears_nothing",),
    ),
    Sabotage(
        "swallow a worker's error",
        "upload/workers.py",
        "        future.set_exception(error)\n",
        "        future.set_result(None)\n",
        ("upload/test_workers.py::test_what_a_worker_raises_surfaces",),
    ),
    Sabotage(
        "exists() always False",
        "storage.py",
        """return not name or (not name.endswith("/") and self._find(name) is not None)""",
        "return False",
        (
            "test_storage.py::test_exists_is_true_of_the_exact_name_only",
            "test_storage.py::test_a_taken_name_gets_a_suffix",
        ),
    ),
    Sabotage(
        "put the token into an exception",
        "clients/transport.py",
        "return _classify(chain, _origin(url), late=not left())",
        "return _classify(chain, url.reveal(), late=not left())",
        (
            "test_secret_scan.py::test_no_secret_is_left_behind",
            "test_properties.py::test_h12_no_error_shows_a_secret",
        ),
    ),
    Sabotage(
        "never slow down",
        "upload/workers.py",
        "max(1, self._peak // 2)",
        "self._peak",
        ("upload/test_workers.py::test_a_throttle_halves_what_may_be_inside",),
    ),
    Sabotage(
        "let anybody upload anything",
        "submit/policy.py",
        "        rule.require(user, **facts)\n",
        "        pass\n",
        ("submit/test_policy.py::test_nobody_may_use_a_name_that_makes_trouble",),
    ),
    Sabotage(
        "open the upload page to everybody",
        "admin/upload.py",
        "    if not may_upload(request):\n        raise PermissionDenied\n",
        "    return\n",
        ("test_permissions.py::test_a_permission_opens_nothing_else",),
    ),
    Sabotage(
        "open the API to whoever is logged in",
        "api/guard.py",
        "return any(request.user.has_perm(",
        "return bool(needed) or any(request.user.has_perm(",
        ("test_permissions.py::test_a_permission_opens_nothing_else",),
    ),
    Sabotage(
        "take uploads into a closed store",
        "submit/policy.py",
        "if not _takes_uploads(using):",
        "if not using:",
        ("api/test_uploads.py::test_a_closed_store_is_no_store_for_uploads",),
    ),
    Sabotage(
        "read the whole file",
        "upload/sources.py",
        "block = _read(self.file, min(BLOCK, left))",
        "block = _read(self.file, left)",
        ("test_memory.py::test_a_save_of_300_mb_needs_no_more_than_one_of_1_mb",),
    ),
    Sabotage(
        "write the manifest first",
        "staticfiles.py",
        "        super()._publish_all(items, self.manifest_name, self._save_manifest)\n",
        """\
        self.save_manifest()
        super()._publish_all(items, self.manifest_name, self._save_manifest)
""",
        ("test_staticfiles.py::test_a_failed_run_leaves_the_local_manifest",),
    ),
    Sabotage(
        "never re-make the session after a fork",
        "upload/platform.py",
        "key = (os.getpid(), *(",
        "key = (0, *(",
        ("upload/test_platform.py::test_a_child_process_makes_a_session_of_its_own",),
    ),
    Sabotage(
        "no cap on answers",
        "clients/transport.py",
        """\
    data = response.read(limit + 1)
    # Only a second read notices a missing end; after an announced one it would be in vain.
    if len(data) > limit or (response.length_remaining != 0 and response.read(1)):
""",
        """\
    data = response.read()
    if response.read(1):
""",
        (
            _TRANSPORT + "test_an_answer_over_the_limit_is_cut",
            "clients/test_wechat.py::test_a_page_is_cut_at_its_own_limit",
        ),
    ),
    Sabotage(
        "skip by MD5 of an older row",
        "models.py",
        "rows = self.filter(env=env, key_digest__in=part).order_by()",
        'rows = self.filter(env=env, key_digest__in=part, status="stored").order_by()',
        (
            "test_models.py::test_the_newest_row_counts_whatever_its_status",
            "test_staticfiles.py::test_a_newer_failure_sends_an_unchanged_file_again",
        ),
    ),
    Sabotage(
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
        "a chunked body",
        "clients/transport.py",
        'if method != "GET":',
        'if method == "never":',
        (_TRANSPORT + "test_a_body_of_many_blocks_has_a_content_length_and_is_not_chunked",),
    ),
    Sabotage(
        "let the first attempt empty a pipe",
        "upload/sources.py",
        "yield item if item.close else replace(item, open=kept)",
        "yield item",
        ("test_properties.py::test_h04_any_source_arrives_whole",),
    ),
    Sabotage(
        "do not notice a file that changes",
        "upload/sources.py",
        "if _fingerprint(self.file) != self._stat or (",
        "if (",
        ("upload/test_sources.py::test_a_change_of_the_file_while_it_is_read_is_noticed",),
    ),
    Sabotage(
        "call a lost answer failed",
        "upload/transfer.py",
        "status = UploadStatus.UNKNOWN if self.maybe_stored else UploadStatus.FAILED",
        "status = UploadStatus.FAILED",
        ("test_storage.py::test_a_save_whose_answer_is_lost_is_unknown",),
    ),
    Sabotage(
        "forget the first body when a later attempt fails",
        "upload/transfer.py",
        "self.maybe_stored |= error.maybe_stored",
        "self.maybe_stored = error.maybe_stored",
        ("upload/test_uploader.py::test_an_upload_ends_as",),
    ),
    Sabotage(
        "take any 2xx for a success",
        "clients/cos.py",
        "if reply.status == 200 and not reply.body and md5:",
        "if 200 <= reply.status < 300 and not reply.body and md5:",
        ("clients/test_cos.py::test_another_success_than_200_is_neither_yes_nor_no",),
    ),
    Sabotage(
        "halt never",
        "upload/uploader.py",
        "self._halted |= error.stops_batch",
        "self._halted |= False and error.stops_batch",
        ("upload/test_uploader.py::test_what_would_fail_every_file_stops_the_batch",),
    ),
    Sabotage(
        "publish HTML before assets",
        "deploy/publish.py",
        "iter((self._assets, self._pages, self._last))",
        "iter((self._pages, self._assets, self._last))",
        ("test_staticfiles.py::test_an_asset_that_fails_holds_back_html_and_manifest_only",),
    ),
    Sabotage(
        "verify believes any bytes of a page",
        "deploy/verify.py",
        "    if md5 == item.md5:\n",
        "    if True:\n",
        ("deploy/test_verify.py::test_a_page_that_stays_old_is_found_with_both_digests",),
    ),
    Sabotage(
        "blank what another spelling names",
        "deploy/verify.py",
        "foreign = [key for key, name in names.items() if _key(uploader, name) != key]",
        "foreign = []",
        ("deploy/test_verify.py::test_a_key_in_another_normal_form_does_not_blank_the_live_file",),
    ),
    Sabotage(
        "blank what another store keeps",
        "deploy/environments.py",
        "if not file.key.startswith(others)",
        "if file.key",
        ("management/test_wx_deploy.py::test_what_other_stores_of_the_project_keep_is_not_stale",),
    ),
    Sabotage(
        "go on after a bad canary",
        "deploy/environments.py",
        "before[:canary] if len(before) >= canary else []",
        "[]",
        ("management/test_wx_deploy.py::test_a_canary_that_is_not_right_keeps_the_others_from_it",),
    ),
    Sabotage(
        "deploy twice at once",
        "deploy/locks.py",
        "timeout=LEASE) is False:",
        'timeout=LEASE) == "taken":',
        (
            "deploy/test_locks.py::test_a_second_deploy_of_an_environment_is_refused_and_told_who_holds_it",
        ),
    ),
    Sabotage(
        "believe any push",
        "callback/crypto.py",
        "for token in tokens) > 0",
        "for token in tokens) >= 0",
        ("callback/test_rows.py::test_it_is_refused_and_nothing_changes",),
    ),
    Sabotage(
        "let an old push win",
        "callback/tickets.py",
        "created__lt=created",
        "created__lt=created + 10**9",
        ("callback/test_tickets.py::test_the_newer_one_wins_in_whatever_order_they_come",),
    ),
    Sabotage(
        "take a row of the run itself for one that was missed",
        "log/reconcile.py",
        "row.pk > self._last_id or row.status == FAILED",
        "row.status == FAILED",
        ("log/test_reconcile.py::test_what_was_uploaded_meanwhile_is_not_judged_by_an_older_list",),
    ),
    Sabotage(
        "prune the newest row of a file",
        "log/prune.py",
        "log().filter(newer, **wanted)",
        "log().filter(**wanted)",
        ("log/test_prune.py::test_old_rows_of_a_key_go_but_for_its_newest",),
    ),
    Sabotage(
        "import an older line over a newer upload",
        "log/import_lines.py",
        "elif (place in own and not (last and last.created > row.created)) or id(row) in proved:",
        "elif True:",
        ("log/test_import_lines.py::test_a_line_outranks_no_row_whatever_its_clock_says",),
    ),
    Sabotage(
        "fetch a token in every process",
        "clients/component.py",
        'if not self._shared.claim(f"lock:{generation}:{attempt}", LEASE * self._pace):',
        'if not self._shared.claim(f"lock:{id(self)}:{attempt}", LEASE * self._pace):',
        ("clients/test_component.py::test_one_call_waits_ten_seconds_for_another_process",),
    ),
    Sabotage(
        "ask for a new token without end",
        "exceptions.py",
        "remedy, once = Remedy.NEW_TOKEN, True",
        "remedy, once = Remedy.NEW_TOKEN, False",
        ("core/test_retry.py::test_a_remedy_that_works_once_is_tried_once",),
    ),
    Sabotage(
        "discard a newer token for an older one's sake",
        "clients/component.py",
        "if entry is None or entry.token != Secret(token):",
        "if entry is None:",
        ("clients/test_component.py::test_a_newer_token_is_not_discarded_for_an_older_one_s_sake",),
    ),
    Sabotage(
        "sleep past the deadline",
        "core/retry.py",
        "if delay >= deadline.left():",
        "if not deadline.left():",
        ("core/test_retry.py::test_a_pause_beyond_the_deadline_is_not_begun",),
    ),
    Sabotage(
        "believe any link",
        "clients/transport.py",
        "elif fault := self._check_link(url.reveal(), key=key):",
        'elif fault := "":',
        (_TRANSPORT + "test_a_link_that_may_not_be_used_is_refused_before_a_byte_leaves",),
    ),
    Sabotage(
        "believe any certificate",
        "clients/pools.py",
        "create_urllib3_context()",
        "create_urllib3_context(cert_reqs=ssl.CERT_NONE)",
        (_TRANSPORT + "test_a_bad_certificate_stops_everything",),
    ),
    Sabotage(
        "print the answer with the reply",
        "clients/transport.py",
        "    body: bytes = field(repr=False)\n",
        "    body: bytes\n",
        (_TRANSPORT + "test_a_reply_does_not_print_its_body",),
    ),
    Sabotage(
        "scrub nothing",
        "core/secrets.py",
        'return _NAMED.sub(lambda match: match["name"] + match["sep"] + MASK, text)',
        "return text",
        ("core/test_secrets.py::test_the_value_of_a_telling_name_is_masked",),
    ),
    Sabotage(
        "believe the newest row where the list shows another MD5",
        "core/match.py",
        "if known.md5 == remote.md5 else Match.DIFFERS",
        "if known.md5 else Match.DIFFERS",
        (
            "deploy/test_standing.py::test_what_somebody_else_overwrote_is_sent",
            "deploy/test_standing.py::test_what_a_killed_run_replaced_is_sent",
        ),
    ),
    Sabotage(
        "believe a row that is older than its object",
        "deploy/standing.py",
        "in_time = file.last_modified <= self.stored_at + SLACK\n",
        "in_time = True\n",
        (
            "deploy/test_standing.py::test_without_md5_a_file_whose_object_is_younger_than_its_row_is_sent",
        ),
    ),
    Sabotage(
        "leave the log as wrong as it is",
        "deploy/publish.py",
        "        for result in plan.corrections:\n",
        "        for result in ():\n",
        (
            "deploy/test_standing.py::test_a_younger_object_corrects_its_row",
            "deploy/test_standing.py::test_an_unchanged_file_that_the_log_does_not_know_gets_a_row_of_the_list",
        ),
    ),
    Sabotage(
        "forget a row that a run could not write",
        "upload/recorder.py",
        "        if written:\n            self._rows = []\n",
        "        self._rows = []\n",
        (
            "upload/test_recorder.py::test_rows_refused_in_mid_run_are_written_with_the_next_ones",
            "upload/test_recorder.py::test_rows_refused_in_mid_run_are_written_at_the_end",
        ),
    ),
    Sabotage(
        "forget a row that a single upload could not write",
        "upload/recorder.py",
        "        if row is None:\n            _missed.append((result, context))\n",
        "        pass\n",
        (
            "upload/test_recorder.py::test_a_row_that_the_database_refused_is_written_with_the_next_upload",
            "upload/test_recorder.py::test_an_interrupt_while_a_row_is_written_keeps_it_for_the_next_upload",
        ),
    ),
    Sabotage(
        "call a deployment done whose rows are missing",
        "upload/recorder.py",
        "        _missed.extend(self._rows)\n        return written\n",
        "        return True\n",
        (
            "upload/test_recorder.py::test_a_deployment_whose_rows_are_refused_to_the_end_is_incomplete",
        ),
    ),
    Sabotage(
        "write no row of what is broken off",
        "upload/uploader.py",
        "            record_one(transfer.broken_off(), context)\n            raise\n",
        "            raise\n",
        (
            "test_broken_off.py::test_an_upload_that_is_ended_while_cos_has_its_body_is_unknown",
            "test_broken_off.py::test_an_upload_that_is_ended_before_its_body_went_failed",
        ),
    ),
    Sabotage(
        "let a second interrupt break off what the first one began",
        "core/interrupts.py",
        """\
    _State.heard = _State.heard or time.monotonic()
    if _State.waiting or not _State.held:
""",
        """\
    second = bool(_State.heard)
    _State.heard = _State.heard or time.monotonic()
    if second or _State.waiting or not _State.held:
""",
        ("core/test_interrupts.py::test_a_second_interruption_leaves_what_ends_the_run_alone",),
    ),
    Sabotage(
        "do not notice that the lock is lost",
        "deploy/locks.py",
        "        if self._lost_to is not None:\n",
        '        if self._lost_to == "noticed":\n',
        ("deploy/test_locks.py::test_a_deploy_whose_lock_another_took_is_told_who",),
    ),
    Sabotage(
        "blank what people uploaded",
        "deploy/verify.py",
        "if source not in DEPLOYS}",
        "if not source}",
        ("deploy/test_verify.py::test_an_upload_is_what_no_deploy_wrote_last",),
    ),
    Sabotage(
        "show what was deleted",
        "upload/store.py",
        "return file.md5 == DELETED_MD5",
        "return False",
        ("test_storage.py::test_what_is_deleted_is_not_there",),
    ),
)
