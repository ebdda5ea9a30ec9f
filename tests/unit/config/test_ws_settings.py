"""Limits of the live channels that only make sense together."""
import pytest
from pydantic import ValidationError

from config.settings import WsSettings
from server.ws.limits import Limits

NOT_SETTINGS = {"compression", "compression_min_bytes", "allowed_origins", "frame_size_bytes"}


def test_a_first_frame_must_have_room_for_connect_and_every_subscribe():
    with pytest.raises(ValidationError, match="in one frame"):
        WsSettings(channels_per_connection=192)
    assert WsSettings(channels_per_connection=400, commands_per_frame=401).commands_per_frame == 401


def test_a_pong_must_be_due_before_the_next_ping_or_it_would_never_be_missed():
    for interval_s, timeout_s in ((8, 8.0), (5, 8.0)):
        with pytest.raises(ValidationError, match="noticed"):
            WsSettings(ping_interval_s=interval_s, pong_timeout_s=timeout_s)
    assert WsSettings(ping_interval_s=9, pong_timeout_s=8.0).ping_interval_s == 9


def test_settings_and_the_live_channels_have_the_same_defaults():
    limits = Limits()
    assert limits.frame_bytes == WsSettings().frame_size_bytes
    for name in set(WsSettings.model_fields) - NOT_SETTINGS:
        assert getattr(limits, name) == getattr(WsSettings(), name), name
