"""``labkit codecs``, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli import main
from labkit.codecs import VIDEO_CODECS, VideoEncoder
from tests.media.files import write_video

SMALL = ("--size", "160x120", "--fps", "20", "--seconds", "0.3")


def labkit(*words: str | Path) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["codecs", *(str(word) for word in words)])
    return int(ended.value.code or 0)


def test_json_is_alone_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert labkit(*SMALL, "--codecs", "vp8,h264", "--rates", "100,200,400,800", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rows"]) == 8
    first = told["rows"][0]
    assert (first["codec"], first["asked_kbps"], first["key_frames"]) == ("vp8", 100, 1)
    for name in ("achieved_kbps", "psnr_db", "ssim", "encode_ms", "decode_ms"):
        assert first[name] > 0
    assert told["bd_rate"]["h264"] == 0
    assert isinstance(told["bd_rate"]["vp8"], float)
    assert told["missing"] == []


def test_below_four_points_there_is_no_bd_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert labkit(*SMALL, "--codecs", "vp8,h264", "--rates", "100,200,400", "--json") == 0
    assert json.loads(capsys.readouterr().out)["bd_rate"] == {"vp8": None, "h264": None}


def test_a_missing_encoder_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VIDEO_CODECS, "av1", VideoEncoder("av1", "no_av1", "libdav1d"))
    assert labkit(*SMALL, "--codecs", "av1,h264", "--rates", "200", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["missing"] == ["av1"]
    assert [row["codec"] for row in told["rows"]] == ["h264"]
    assert labkit(*SMALL, "--codecs", "av1,h264", "--rates", "200") == 0
    assert "av1: This build of PyAV has no encoder no_av1." in capsys.readouterr().out
    assert labkit(*SMALL, "--codecs", "av1", "--json") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no_av1" in captured.err


def test_an_encoding_that_fails_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = VIDEO_CODECS["vp8"].changed("vp8", {"cpu-used": "many"})
    monkeypatch.setitem(VIDEO_CODECS, "vp8", refusing)
    assert labkit(*SMALL, "--codecs", "vp8,h264", "--rates", "200", "--json") == 1
    assert json.loads(capsys.readouterr().out)["failed"][0]["codec"] == "vp8"
    assert labkit(*SMALL, "--codecs", "vp8,h264", "--rates", "200") == 1
    assert "vp8 at 200 kbit/s failed" in capsys.readouterr().out


def test_a_table_of_a_file_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_video(tmp_path / "my clip.mp4", frames=6)
    png = tmp_path / "rd.png"
    assert labkit("--clip", clip, *SMALL, "--codecs", "h264", "--rates", "200", "--png", png) == 0
    text = capsys.readouterr().out
    assert "my clip.mp4" in text
    assert "h264" in text
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--codecs", "theora"), "Use some of"),
        (("--codecs", ","), "Use some of"),
        (("--rates", "a,b"), "commas"),
        (("--rates", "1"), "10 to 100000"),
        (("--seconds", "0"), "above 0"),
        (("--size", "big"), "640x480"),
        (("--size", "161x120"), "even number"),
        (("--clip", "nothing.mp4"), "no file"),
    ],
)
def test_each_refusal_is_one_line(
    words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labkit(*words, "--json") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert why in captured.err
    assert len(captured.err.splitlines()) == 1


def test_the_command_loads_pandas_only_when_it_runs() -> None:
    code = (
        "import sys, labkit.cli.codecs\n"
        "sys.exit('pandas' in sys.modules or 'matplotlib' in sys.modules or 'av' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
