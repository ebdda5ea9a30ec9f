"""Notices over HTTP (contract.md §7)."""

from server.core.operation import EVERYONE, Operation
from server.handlers.http.edge import SERVICE
from server.push import commands
from server.push.inbox import Inbox
from server.push.service_messages import ServiceMessages


def message_operations(*, inbox: Inbox, service_messages: ServiceMessages) -> list[Operation]:
    return [
        Operation(
            "GET", "/api/message/list", commands.ListNotices, inbox.list_notices, EVERYONE, "自己的消息通知与未读数"
        ),
        Operation(
            "POST",
            "/api/message/read",
            commands.ReadNotices,
            inbox.read_notices,
            EVERYONE,
            "把消息标记为已读",
            refusals=("not_found",),
        ),
        Operation(
            "POST",
            "/api/message/send",
            commands.SendNotice,
            service_messages.send_notice,
            SERVICE,
            "由其他内部服务发送一条消息通知",
            refusals=("not_found",),
        ),
    ]
