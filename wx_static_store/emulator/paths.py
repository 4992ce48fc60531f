"""The calls of WeChat's API: their paths, and their names in the journal and in faults."""

from __future__ import annotations

PATHS = {
    "/cgi-bin/component/api_component_token": "api_component_token",
    "/cgi-bin/component/api_start_push_ticket": "api_start_push_ticket",
    "/cgi-bin/component/clear_quota/v2": "clear_quota",
    "/cgi-bin/component/api_get_authorizer_list": "api_get_authorizer_list",
    "/cgi-bin/openapi/quota/get": "quota_get",
    "/cgi-bin/openapi/rid/get": "rid_get",
    "/componenttcb/describeenvs": "describeenvs",
    "/componenttcb/batchgetenvid": "batchgetenvid",
    "/componenttcb/createstaticstore": "createstaticstore",
    "/componenttcb/describestaticstore": "describestaticstore",
    "/componenttcb/staticuploadfile": "staticuploadfile",
    "/componenttcb/staticfilelist": "staticfilelist",
}
CLOUD = "/componenttcb/"  # where the calls of cloud development begin
