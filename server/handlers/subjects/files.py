"""Uploads and files over HTTP (contract.md §7)."""

from typing import Any

from server.care import commands
from server.care.files import Files
from server.care.uploads import Uploads
from server.core.call import Call
from server.core.operation import EVERYONE
from server.handlers.http.downloads import Download, FileBody
from server.handlers.http.edge import GUEST
from server.handlers.http.uploads import Upload

# As long as a signed address lives: a file never changes, and who loses access soon loses the copy too.
_KEPT_BY_BROWSERS_S = 300


def file_operations(*, uploads: Uploads, files: Files) -> list[Upload | Download]:
    async def open_file(call: Call, command: Any) -> FileBody:
        opened = await files.open_file(call, command)
        return FileBody(opened.content, opened.media_type, max_age_s=_KEPT_BY_BROWSERS_S)

    return [
        Upload(
            "/api/file/upload",
            commands.UploadFile,
            uploads.upload_file,
            EVERYONE,
            "上传一张图片或一段语音",
            required_files=("file",),
        ),
        Download("/api/file/{file_id}", commands.OpenFile, open_file, EVERYONE | GUEST, "查看有权查看的文件"),
    ]
