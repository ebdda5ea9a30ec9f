"""Chat and service notes for both edges (contract.md §7)."""

from server.care import commands
from server.care.chat import Chat
from server.care.notes import Notes
from server.care.typing_signals import TypingSignals
from server.core.operation import CAREGIVER, EVERYONE, PARTY, Operation

_MESSAGE_REFUSALS = ("not_found", "chat_closed", "idempotency_mismatch")
_NOTE_REFUSALS = ("not_found", "wrong_state", "already_finished", "idempotency_mismatch")


def care_operations(*, chat: Chat, notes: Notes, typing_signals: TypingSignals) -> list[Operation]:
    return [
        Operation(
            "POST",
            "/api/chat/send",
            commands.SendMessage,
            chat.send_message,
            PARTY,
            "发送一条聊天消息",
            rpc=True,
            refusals=_MESSAGE_REFUSALS,
        ),
        Operation(
            "GET",
            "/api/chat/history",
            commands.ReadHistory,
            chat.read_history,
            EVERYONE,
            "按位置倒序翻看聊天记录",
            refusals=("not_found",),
        ),
        Operation(
            "POST",
            "/api/chat/read",
            commands.MarkRead,
            chat.mark_read,
            PARTY,
            "标记已读到的位置",
            rpc=True,
            refusals=("not_found",),
        ),
        Operation(
            "POST",
            "/api/chat/typing",
            commands.SignalTyping,
            typing_signals.typing,
            PARTY,
            "提示对方正在输入",
            rpc=True,
            rest=False,
            keyed="never",
            refusals=("not_found", "chat_closed"),
        ),
        Operation(
            "POST",
            "/api/note/append",
            commands.AppendNote,
            notes.append_note,
            CAREGIVER,
            "追加一条服务记录",
            rpc=True,
            refusals=_NOTE_REFUSALS,
        ),
        Operation(
            "GET",
            "/api/note/list",
            commands.ListNotes,
            notes.list_notes,
            EVERYONE,
            "按时间顺序查看服务记录",
            refusals=("not_found",),
        ),
    ]
