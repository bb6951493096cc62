# %% [markdown]
# # Codecs: what is sent
#
# **You will** send one clip through five video codecs at the same bitrate and look at what is left.
# You will see why a new picture is a burst, and what a call gives up to be fast. Then you will
# *hear* what 6 kilobits a second do to a voice.
#
# It takes about 25 minutes. [00 · Start here](00-start.ipynb) explains cells and charts. This
# chapter makes no call: everything happens in this notebook.

# %%
from dataclasses import replace

import pandas as pd

import labkit as lab
from labkit import codecs, plots

# %% [markdown]
# ## Predict
#
# A **codec** makes pictures small enough to send. Its trick: most of a picture was there before. So
# it sends one whole picture, the **key frame**, and after that only what has changed.

# %%
guess = lab.predict("How many times larger is a key frame than the frames after it?", unit="times")
guess

# %% [markdown]
# ## Run it, be surprised
#
# This is our film: somebody sways, the wall behind moves by. It is made up, but it has what real
# pictures have and encoders find hard: edges, and details of every size.

# %%
clip = codecs.film_like(2)
print(clip)
plots.plot_pictures({"frame 45": clip.image(45)})

# %% [markdown]
# Sent as it is, it would need this much:

# %%
raw_mbps = clip.pictures[0].nbytes * 8 * clip.fps / 1e6
print(f"{raw_mbps:.0f} Mbit/s")

# %% [markdown]
# Now every codec must make do with 180 *kilo*bits a second. An encoder only comes near the rate
# that it is asked for. So the lab asks each one for more or less until 180 come out.

# %%
same = codecs.compare_at_rate(clip, 180, keep_frames=[45])
print("not in this PyAV:", same.missing or "nothing")
same.summary[["codec", "asked_kbps", "achieved_kbps", "psnr_db"]].round(1)

# %%
print(f"{raw_mbps * 1000 / same.summary['achieved_kbps'].mean():.0f} times less than raw")

# %% [markdown]
# That is a part of the same frame, from each codec. Look at the edges, at the texture of the wall
# and at the colours.

# %%
pictures = {"original": clip.image(45)}
for row in same.summary.itertuples():
    pictures[f"{row.codec}: {row.psnr_db:.1f} dB"] = same.image(row.codec, row.asked_kbps, 45)
plots.plot_pictures(pictures, part=(300, 120, 160, 120))

# %% [markdown]
# Is the newest codec (AV1) the best here, and the oldest (H.264) the worst?
#
# **PSNR** says in decibels how close the pictures are to the original: more is better. It is a mean
# over all pixels of the clip, of their brightness alone (*luma*, the plane Y of 01). It does not
# know where you look.
#
# ### Quality over rate
#
# One rate says little. Here are four. All frames are encoded, decoded and compared. Watch the
# points come.

# %%
watch = plots.growing_figure(plots.plot_rate_distortion)
compared = codecs.compare_video(
    clip, rates_kbps=[150, 300, 600, 1200], xpsnr=False, on_result=watch
)

# %% [markdown]
# Read it so: further up is better, further left is cheaper. Look at where the points *stand*, not
# at what was asked: an encoder that was asked for 150 may send far more.
#
# **BD-rate** (Bjøntegaard) is the whole curve in one number: how much more or less rate a codec
# needs than H.264 *for the same quality*. Minus is better. Where only one of two curves goes, there
# is nothing to compare: the legend says how much of the quality both of them reach. (PCHIP is the
# name of the smooth curve that is laid through the points.)

# %%
for codec, percent in compared.bd_rate().items():
    print(f"{codec:5} {percent:+.0f} %")

# %% [markdown]
# Do not take these numbers home as truths about the codecs. They hold for *these encoders*, set up
# for a call, on one short clip. With more time to think, every one of them does better. A call has
# no time.
#
# ### A key frame is a burst
#
# Here is every frame's size. All three were asked for 300 kbit/s.

# %%
three = compared.frames[compared.frames["codec"].isin(["vp8", "h264", "av1"])]
plots.plot_frame_sizes(three, asked_kbps=300)

# %% [markdown]
# VP8 and H.264 are calm behind the star. AV1 is not: it gives far more to every fourth frame.
# Those are the frames that many others refer to.
#
# Here is VP8's key frame against the mean of the others.

# %%
vp8 = three.query("codec == 'vp8' and asked_kbps == 300")
key_bytes = vp8[vp8["key_frame"]]["size_bytes"].mean()
guess.compare(key_bytes / vp8[~vp8["key_frame"]]["size_bytes"].mean())

# %% [markdown]
# What does that mean for a call? The key frame must go through the same link as the others.

# %%
print(f"{key_bytes:.0f} bytes need {key_bytes * 8 / 300:.0f} ms on a link of 300 kbit/s.")
print(f"A frame has {1000 / clip.fps:.0f} ms until the next one comes.")

# %% [markdown]
# So the frames behind it have to wait. That is why a call sends a key frame only when somebody
# needs one: at the beginning, when somebody joins, and when too much was lost. A film on a disc has
# one every few seconds, so that you can jump into it. What does that cost?

# %%
call = codecs.VIDEO_CODECS["vp8"]
each_second = replace(call, name="vp8, key frame each second", gop_size=30)
often = codecs.compare_video(clip, [call, each_second], [300], xpsnr=False)
plots.plot_frame_sizes(often.frames)

# %% [markdown]
# Compare the quality at about the same rate:

# %%
often.summary[["codec", "achieved_kbps", "psnr_db", "key_frames"]].round(1)

# %% [markdown]
# ### Time is the other budget
#
# At 30 frames a second an encoder has 33 ms for each, or it falls behind. These are the times on
# *your* computer, on one core.

# %%
plots.plot_encode_time(compared.frames, asked_kbps=300)

# %% [markdown]
# A phone is slower, sends larger pictures, and wants to save its battery. It often has a chip that
# encodes H.264. That is one reason why the oldest of the five is still everywhere.
#
# ## Change one thing
#
# ### What a call gives up: look-ahead and B-frames
#
# For a film, an encoder first looks at the frames that come *later*, and spends its bits where they
# will be useful for longest: *look-ahead*. And some frames may refer to a later one: *B-frames*.
# Both are meant to save bits. But who looks at later frames must wait for them.
#
# x264 has a switch for calls, `zerolatency`. It turns both off. Here they come back, one by one.

# %%
call = replace(codecs.VIDEO_CODECS["h264"], name="as for a call")
film = replace(call, profile="Main")  # a call's profile has no B-frames at all
off = "mbtree=0:sync-lookahead=0:scenecut=0:b-adapt=0"
b_frames = film.changed("3 B-frames", {"x264-params": f"bframes=3:rc-lookahead=0:{off}"})
ahead = film.changed("look-ahead 10", {"x264-params": f"bframes=0:rc-lookahead=10:{off}:mbtree=1"})
both = film.changed("as for a film", {"tune": None})

# %% [markdown]
# All four at 300 kbit/s. The bar is the wait, the text beside it what it buys.

# %%
waits = codecs.compare_at_rate(clip, 300, [call, b_frames, ahead, both])
plots.plot_encoder_delay(waits.summary)

# %% [markdown]
# Which wait pays, and which one does not, on this clip?
#
# Remember the lecture's 200 ms for a picture: with a film's settings they are gone before anything
# is sent. So the lecture's “low latency thanks to the optimised codecs” is half of the truth. The
# same codec is fast or slow. What makes it fast for a call is **leaving things out**, and paying
# for it with bits.
#
# ### The triangle: size, frame rate, bitrate
#
# Your bitrate is given, by the network. Would you send a large picture or a small one, 30 frames a
# second or 15? Here is H.264 in four shapes. Each is scaled up again to the full size, and compared
# with what the viewer should see at that moment.

# %%
shapes = [(640, 360, 30), (640, 360, 15), (320, 180, 30), (320, 180, 15)]
rates = [75, 150, 300, 600, 1200]
triangle = codecs.compare_shapes(clip, shapes, rates, codec="h264")
plots.plot_shapes(triangle)

# %% [markdown]
# Follow the upper edge from left to right: which shape is best, and where does it change?
# (`bits_per_pixel` is the rate, divided by all the pixels of a second.)

# %%
best = triangle.loc[triangle.groupby("asked_kbps")["psnr_db"].idxmax()]
best[["asked_kbps", "shape", "achieved_kbps", "bits_per_pixel", "psnr_db"]].round(2)

# %% [markdown]
# So a good sender makes the picture *smaller* when the network gets thin. libwebrtc does that by
# itself. You decide with `degradationPreference` what it should keep: the sharpness or the motion.
#
# (PSNR is hard on a low frame rate here, because the whole wall moves. With a still background, 15
# frames a second would lose less.)
#
# ### Sound
#
# A sentence, spoken by this computer if it can (`espeak-ng`), or else a recorded one. Press play.

# %%
from IPython.display import Audio, display

speech = lab.Speech("Hello! Can you hear me well? This sentence was spoken by a computer.")
sentence = codecs.read_sound(speech, 5)
print("recorded" if speech.is_recorded else "spoken here", sentence)
Audio(sentence.samples, rate=sentence.rate)

# %% [markdown]
# Opus at four rates, then G.722 and G.711, the telephone's codecs, at the only rate that they have.
# `pcmu` is G.711 as SDP calls it. Listen to the *s* in “sentence” and “spoken”.
#
# Opus may use more or less than it is asked for: an *s* is harder to describe than a pause.

# %%
asked = [("opus", 6), ("opus", 16), ("opus", 32), ("opus", 96), ("g722", 64), ("pcmu", 64)]
heard = {f"{codec} {kbps}": codecs.code_audio(sentence, codec, kbps) for codec, kbps in asked}
for name, coded in heard.items():
    print(f"{name}: {coded.kbps:.0f} kbit/s came out")
    display(Audio(coded.sound.samples, rate=coded.sound.rate))

# %% [markdown]
# You can see what you heard. An *s* lies high up, and G.711 has nothing above 4 kHz: grey is where
# a codec cannot have any sound.

# %%
seen = {"original": sentence} | {name: coded.sound for name, coded in heard.items()}
plots.plot_spectrograms(seen)

# %% [markdown]
# Now measured. For the *bandwidth* the lab encodes something like speech that reaches up to 24 kHz,
# and looks where it stops. For the *delay* it encodes chirps and looks how much later each comes
# out again.

# %%
table, missing = codecs.compare_audio()
columns = ["codec", "asked_kbps", "achieved_kbps", "bandwidth_hz", "frame_ms", "lookahead_ms"]
table[[*columns, "delay_ms"]].round(2)

# %% [markdown]
# `delay_ms` is the part that no computer can save: a packet must be full before it is encoded
# (`frame_ms`), and the method itself needs some samples more (`lookahead_ms`). G.711 needs none: it
# writes each sample down for itself.
#
# ### A lost packet
#
# Every tenth packet gets lost. A packet is 20 ms of sound. First without any help, then with Opus's
# own **concealment**: the decoder makes up what could have been there.

# %%
lost = range(5, 250, 10)
broken = {
    "all arrived": codecs.code_audio(sentence, "opus", 32).sound,
    "silence": codecs.code_audio(sentence, "opus", 32, lost=lost, conceal=False).sound,
    "concealed": codecs.code_audio(sentence, "opus", 32, lost=lost).sound,
}
for name, sound in broken.items():
    print(name)
    display(Audio(sound.samples, rate=sound.rate))

# %%
plots.plot_waveforms(broken, from_s=2.8, to_s=3.2, lost=[(2.9, 2.92), (3.1, 3.12)])

# %% [markdown]
# The hole at the same place, told twice: once there is nothing, once there is a guess. Look also at
# what comes *behind* it. A codec that describes the next packet by the last one needs a while until
# it is right again.
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. The lecture names H.264, VP8 and VP9, G.711 and Opus. Which of them must every WebRTC browser
# have?** Here is what *our* peers have (`rtx` is no codec: it sends lost packets again):

# %%
from aiortc import RTCRtpSender

for kind in ("video", "audio"):
    found = {codec.mimeType for codec in RTCRtpSender.getCapabilities(kind).codecs}
    print(kind, sorted(found))

# %% [markdown]
# <details><summary>Answer</summary>
#
# | the lecture | the standard |
# |---|---|
# | H.264 | **must** be there, in the profile *Constrained Baseline* |
# | VP8 | **must** be there |
# | VP9 | may be there |
# | Opus | **must** be there |
# | G.711 | **must** be there, as PCMU and PCMA |
#
# That is said of pictures in
# [RFC 7742, section 5](https://www.rfc-editor.org/rfc/rfc7742#section-5), and of sound in
# [RFC 7874, section 3](https://www.rfc-editor.org/rfc/rfc7874#section-3).
#
# So the lecture's list is right, and one word is missing: *must*. Because of the must, any two
# browsers have something in common. AV1, H.265 and VP9 are extras: both sides must happen to have
# them. Our peers are a good example: they have all four that are a must, and of the extras only
# G.722.
#
# </details>
#
# **2. Somebody joins your meeting and needs a key frame. For how long does it fill a link of 300
# kbit/s, and what do the others notice?**

# %%
print(f"{key_bytes * 8 / 300:.0f} ms, or {key_bytes * 8 / 300 / (1000 / clip.fps):.1f} frames")

# %% [markdown]
# <details><summary>Answer</summary>
#
# For that long nothing else gets through. All frames behind it are late, or the queue is full and
# packets get lost, and the losses ask for the next key frame. Large meetings therefore ask for key
# frames rarely, and answer many requests with one.
#
# </details>
#
# **3. Films have B-frames and look-ahead, calls have neither. Why?** Your own numbers:

# %%
waits.summary[["codec", "delay_frames", "achieved_kbps", "psnr_db"]].round(1)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Both need frames that are captured later. Until those are there, the frame can be neither encoded
# nor decoded. In a film nobody notices the wait; in a talk everybody does. What a call gives up for
# it stands in the last column: the difference to “as for a film”.
#
# </details>
#
# **4. G.711 needs more bits than Opus and sounds worse. Why does it still exist?** Look at your
# table again: in which column is it the best?

# %%
table.sort_values("delay_ms")[["codec", "asked_kbps", "delay_ms", "encode_ms"]].round(2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# It is the telephone network's codec (ITU-T recommendation G.711, of 1972): who calls a phone can
# be sure that the other side understands it, and nobody in between has to decode and encode again.
# It costs next to no computing and has the smallest delay. As a common language it is a must, as a
# first choice it is not.
#
# </details>

# %% [markdown]
# ## Food for thought
#
# - Take a film of your own: `clip = codecs.read_clip("film.mp4", 2)`. Run the chapter again. Which
#   codec wins now?
# - Look at `plots.plot_rate_distortion(compared.summary, quality="ssim")`. Does another measure put
#   the codecs into another order?
# - The spoken sentence has pauses. How could an encoder use them? (Look up *DTX*.)
# - Two people speak at once in Opus at 6 kbit/s. What would you expect? Try
#   `codecs.Sound(a.samples // 2 + b.samples // 2, 48_000)`.
#
# ## Troubleshooting
#
# - **A codec is missing**: this PyAV was built without its encoder, and the cell says which. Our
#   own tables are `pd.read_csv("data/codecs-video.csv")`, `data/codecs-frames.csv` and
#   `data/codecs-audio.csv`: draw them with `plots.plot_rate_distortion(...)` and
#   `plots.plot_frame_sizes(..., asked_kbps=300)`.
# - **Your encode times jump**: the computer does something else too. Close the calls and videos
#   that still run. Sizes and qualities do not change with the load.
# - **There is no sound**: is the page muted? Some browsers ask for a click first. Press play again.
# - **It says “recorded”**: this computer cannot speak. Install `espeak-ng`, and it says the
#   sentence itself.
# - **Anything else**: run `labkit doctor` in a terminal. It says what is not fine, and what to do.
#
# ## Clean up
#
# Nothing runs any more. Keep your table, to compare it with another computer's.

# %%
from pathlib import Path

Path("runs").mkdir(exist_ok=True)
compared.summary.to_csv("runs/my-codecs.csv", index=False)

# %% [markdown]
# Which computer encodes faster, yours or ours?

# %%
ours = pd.read_csv("data/codecs-video.csv")
pd.DataFrame(
    {
        "yours_ms": compared.summary.groupby("codec")["encode_ms"].mean(),
        "ours_ms": ours.groupby("codec")["encode_ms"].mean(),
    }
).round(1)

# %% [markdown]
# ## Next
#
# [Deeper: one frame in its packets](deeper/02-packets.ipynb) takes packets apart bit by bit, and
# lets two sides agree on a codec. Or go on with [06 · Latency](06-latency.ipynb).
