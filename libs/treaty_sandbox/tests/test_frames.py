from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_sandbox.frames import FrameError, Frames, frame

contents = st.tuples(st.integers(0, 255), st.integers(0, 2**64 - 1), st.binary(max_size=300))


@given(st.lists(contents, max_size=8), st.data())
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frame(*one) for one in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    frames = Frames(300)
    received = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += frames.feed(stream[start:end])
    assert received == sent


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_any_bytes_give_frames_within_the_bound_or_a_frame_error(chunks: list[bytes]) -> None:
    frames = Frames(50)
    try:
        for chunk in chunks:
            assert all(len(body) <= 50 for _, _, body in frames.feed(chunk))
    except FrameError:
        pass


def test_a_frame_beyond_the_bound_is_refused_at_its_length_before_its_body_arrives() -> None:
    with pytest.raises(FrameError, match="at most 10"):
        Frames(10).feed(frame(1, 2, b"x" * 11)[:13])
