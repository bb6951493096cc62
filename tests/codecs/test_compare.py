"""The comparison: tables, executors, what is missing, what fails."""

from __future__ import annotations

import json
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit.codecs import VIDEO_CODECS, Comparison, VideoEncoder, compare_video, why_missing
from labkit.codecs.video import EncodeJob, open_encoder
from labkit.errors import BadValue, MediaError, WaitTimeout
from tests.codecs.clips import small_clip

LACKING = VideoEncoder("vp10", "no_vp10", "vp9")
REFUSING = VIDEO_CODECS["h264"].changed("refusing", {"preset": "no such preset"})


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return compare_video(small_clip(), rates_kbps=[400, 100, 200, 800], keep_frames=[3])


def test_every_codec_has_a_row_for_every_rate(compared: Comparison) -> None:
    rows = compared.summary[["codec", "asked_kbps"]].to_numpy().tolist()
    assert rows == [[codec, rate] for codec in VIDEO_CODECS for rate in (100, 200, 400, 800)]
    assert len(compared.frames) == 5 * 4 * 8
    assert compared.missing == {}
    assert compared.failed == {}


def test_every_frame_comes_back_at_once(compared: Comparison) -> None:
    frames = compared.frames
    assert (frames["delay_frames"] == 0).all()
    for name in ("psnr_db", "ssim", "xpsnr_db", "encode_ms", "decode_ms"):
        assert frames[name].notna().all(), name
        assert (frames[name] > 0).all(), name
    assert (frames["size_bytes"] > 0).all()
    assert frames["key_frame"].tolist() == (frames["frame"] == 0).tolist()
    assert frames["type"].tolist() == ["I" if k == 0 else "P" for k in frames["frame"]]


def test_the_summary_is_of_the_frames(compared: Comparison) -> None:
    for row in compared.summary.to_dict("records"):
        frames = compared.frames
        frames = frames[
            (frames["codec"] == row["codec"]) & (frames["asked_kbps"] == row["asked_kbps"])
        ]
        assert row["achieved_kbps"] == pytest.approx(frames["size_bytes"].sum() * 8 / 0.4 / 1000)
        assert row["psnr_db"] == pytest.approx(frames["psnr_db"].mean())
        assert row["encode_ms"] == pytest.approx(frames["encode_ms"].mean())
        assert (row["frames"], row["decoded"], row["key_frames"]) == (8, 8, 1)
        assert row["largest_bytes"] == frames["size_bytes"].max()


def test_more_rate_is_more_quality(compared: Comparison) -> None:
    for codec, rows in compared.summary.groupby("codec"):
        assert rows["psnr_db"].iloc[-1] > rows["psnr_db"].iloc[0] + 1, codec


def test_plain_data_is_json_with_nulls(compared: Comparison) -> None:
    told = json.loads(json.dumps(compared.to_dict(), allow_nan=False))
    assert {row["codec"] for row in told["rows"]} == set(VIDEO_CODECS) == set(told["bd_rate"])
    assert told["bd_rate"]["h264"] == 0
    assert told["missing"] == []
    few = compare_video(small_clip(), ["h264", "vp8"], [200], xpsnr=False).to_dict()
    assert few["bd_rate"] == {"h264": None, "vp8": None}
    assert few["rows"][0]["xpsnr_db"] is None


def test_pictures_that_were_kept(compared: Comparison) -> None:
    image = compared.image("vp9", 400, 3)
    assert image.size == (160, 120)
    like = np.abs(np.asarray(image, float) - np.asarray(small_clip().image(3), float)).mean()
    assert like < 20
    with pytest.raises(BadValue, match=r"keep_frames=\[4\]"):
        compared.image("vp9", 400, 4)


def test_the_same_from_any_executor() -> None:
    settings: dict[str, Any] = {"codecs": ["h264", "vp8"], "rates_kbps": [200, 400]}
    here = compare_video(small_clip(), **settings)
    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as threads:
        in_threads = compare_video(small_clip(), executor=threads, **settings)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        elsewhere = compare_video(
            small_clip(),
            executor=processes,
            on_result=lambda row, done, total: seen.append((done, total)),
            **settings,
        )
    columns = ["codec", "asked_kbps", "frame", "size_bytes", "psnr_db"]
    for other in (in_threads, elsewhere):
        pd.testing.assert_frame_equal(here.frames[columns], other.frames[columns])
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_each_result_is_told_as_it_comes() -> None:
    told: list[dict[str, Any]] = []
    compare_video(
        small_clip(), ["vp8", "h264"], [300, 100], on_result=lambda row, *_counts: told.append(row)
    )
    order = [(row["codec"], row["asked_kbps"]) for row in told]
    assert order == [("vp8", 100), ("h264", 100), ("vp8", 300), ("h264", 300)]
    assert all(row["psnr_db"] > 10 for row in told)


def test_look_ahead_and_b_frames_cost_latency() -> None:
    clip = small_clip(60)
    thorough = VIDEO_CODECS["h264"].changed(
        "thorough", {"tune": None, "rc-lookahead": "10", "bf": "2", "b_strategy": "0"}
    )
    thorough = VideoEncoder(
        thorough.name, thorough.encoder, thorough.decoder, thorough.options, profile="Main"
    )
    compared = compare_video(clip, [thorough, "h264"], [400], xpsnr=False)
    delays = compared.summary.set_index("codec")["delay_frames"]
    assert delays["h264"] == 0
    assert delays["thorough"] >= 10
    frames = compared.frames[compared.frames["codec"] == "thorough"]
    assert "B" in frames["type"].tolist()
    assert frames["delay_frames"].isna().any()  # the clip ended before they came
    assert compared.summary["decoded"].tolist() == [60, 60]


def test_a_missing_encoder_is_named_and_the_others_go_on() -> None:
    compared = compare_video(small_clip(), [LACKING, "vp8"], [200])
    assert list(compared.missing) == ["vp10"]
    assert "no_vp10" in compared.missing["vp10"]
    assert compared.to_dict()["missing"] == ["vp10"]
    assert compared.summary["codec"].tolist() == ["vp8"]
    assert "decoder no_vp10" in str(why_missing(VideoEncoder("a", "libvpx", "no_vp10")))
    with pytest.raises(MediaError, match="vp10"):
        compare_video(small_clip(), [LACKING])


def test_an_encoding_that_fails_is_told_and_the_others_go_on() -> None:
    told: list[dict[str, Any]] = []
    compared = compare_video(
        small_clip(), [REFUSING, "vp8"], [200], on_result=lambda row, *_counts: told.append(row)
    )
    assert list(compared.failed) == [("refusing", 200)]
    assert compared.summary["codec"].tolist() == ["vp8"]
    assert told[0] == {"codec": "refusing", "asked_kbps": 200}
    assert compared.to_dict()["failed"][0]["codec"] == "refusing"
    nothing = compare_video(small_clip(), [REFUSING], [200])
    assert nothing.summary.empty
    assert nothing.to_dict()["bd_rate"] == {}


@pytest.mark.parametrize("name", VIDEO_CODECS)
def test_the_encoder_knows_every_option(name: str) -> None:
    encoder = open_encoder(EncodeJob(small_clip(), VIDEO_CODECS[name], 300))
    assert dict(encoder.options) == {}, "what an encoder does not take stays behind"


class Never(Executor):
    """An executor that takes work and does nothing, or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        self.futures.append(future)
        return future


def test_an_executor_that_does_nothing_is_not_waited_for() -> None:
    never = Never()
    with pytest.raises(WaitTimeout, match=r"within 0\.01 s"):
        compare_video(small_clip(), ["vp8"], executor=never, timeout_s=0.01)
    assert all(future.cancelled() for future in never.futures)


def test_an_executor_that_breaks_is_one_sentence() -> None:
    with pytest.raises(MediaError, match="has ended"):
        compare_video(small_clip(), ["vp8"], executor=Never(BrokenExecutor("killed")))


@pytest.mark.parametrize("rates", [[], [5], [200, 200], [float("nan")], [1e9]])
def test_rates_out_of_range(rates: list[float]) -> None:
    with pytest.raises(BadValue, match="10 to 100000"):
        compare_video(small_clip(), ["vp8"], rates)


@pytest.mark.parametrize("codecs", [[], ["vp8", "vp8"], ["theora"]])
def test_codecs_that_cannot_be_compared(codecs: list[str]) -> None:
    with pytest.raises(BadValue, match="vp8, h264, vp9, h265, av1"):
        compare_video(small_clip(), codecs)
