# %% [markdown]
# # Media: what is captured
#
# **You will** look into a picture and a sound before they are sent. You will see how much there is
# of them, and how little goes through the network. Then you will ask a camera for something, and
# see what comes.
#
# It takes about 20 minutes. You need no camera. [00 · Start here](00-start.ipynb) explains cells,
# runs and charts.

# %%
import json
import time
from pathlib import Path

import av
from IPython.display import Audio, display

import labkit as lab
from labkit import codecs, plots
from labkit.media import AudioSourceTrack, PictureReader, SourceTrack, VideoSource
from labkit.run.capture import capture_intervals, media_cost

# %% [markdown]
# ## Predict
#
# A picture of 640 × 480 pixels is 460,800 bytes in memory. (You will see why.) A call sends 30 of
# them a second.

# %%
question = "How many of the 460,800 bytes of a picture does a call send?"
guess = lab.predict(question, unit="bytes")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Three pictures
#
# What pictures come from is a **source**. The lab's test pattern is one. A media file is another.
# First we make a file: somebody sways, and it lasts for two seconds.

# %%
film = codecs.film_like(2)
Path("runs").mkdir(exist_ok=True)
with av.open("runs/film.mp4", "w") as file:
    stream = file.add_stream("h264", rate=film.fps)
    stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
    for k in range(len(film)):
        file.mux(stream.encode(film.frame(k)))
    file.mux(stream.encode(None))

# %% [markdown]
# A source of your own is a class that can make the picture with the number `k`. This one makes the
# same green picture again and again.


# %%
class Green(VideoSource, PictureReader):
    width, height, fps = 640, 480, 30

    def open(self):
        return self

    def picture(self, k):
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        for plane, value in zip(frame.planes, (145, 54, 34), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        return frame

    def describe(self):
        return "flat green"


# %% [markdown]
# Side by side. The cells along the top are the lab's: they hold the picture's number. They change
# the brightness alone, so on green they are not black and white.

# %%
sources = {
    "test pattern": lab.TestPattern(640, 480),
    "media file": lab.MediaFile("runs/film.mp4", 640, 480),
    "our own": Green(),
}
plots.plot_pictures({name: source.image(45) for name, source in sources.items()})

# %% [markdown]
# The file has black bars. It was made in 640 × 360, and asked for in 640 × 480. The lab fills the
# rest with bars: it neither stretches the picture nor cuts it.
#
# ### A picture is three planes
#
# Take one picture out of the test pattern.

# %%
with lab.TestPattern(640, 480).open() as reader:
    picture = reader.picture(45)
print(picture.width, "×", picture.height, picture.format.name)

# %% [markdown]
# `yuv420p` is its **pixel format**. Browsers call it **I420**. It does not keep red, green and
# blue.

# %%
plots.plot_planes(picture)

# %% [markdown]
# The first plane, Y, is a black-and-white picture. It has every pixel. U and V hold the colour: U
# how blue it is, V how red. (Grey is in the middle: no colour. Both dark is green.) There is only
# one of each for four pixels. Our eyes do not mind: they see brightness more sharply than colour.
#
# Count the bytes. Each pixel of a plane is one.

# %%
y, u, v = (plane.width * plane.height for plane in picture.planes)
print(f"{y:,} + {u:,} + {v:,} = {y + u + v:,} bytes")
print(f"in red, green and blue: {3 * y:,} bytes")

# %% [markdown]
# So half is saved before any codec begins. It is still a lot, 30 times a second:

# %%
for width, height, fps in [(640, 480, 30), (1280, 720, 30), (1920, 1080, 30), (3840, 2160, 60)]:
    mbps = width * height * 1.5 * 8 * fps / 1e6
    print(f"{width} × {height}, {fps} a second: {mbps:6,.0f} Mbit/s")

# %% [markdown]
# ### Three sounds
#
# Sound has sources too: speech, a steady tone, and a chirp at the beginning of every second. Turn
# your volume down first, then press play.

# %%
sentence = lab.Speech()
print(sentence.describe())
sounds = {"speech": sentence, "tone": lab.Tone(440), "chirp": lab.Chirp()}
sounds = {name: codecs.read_sound(source, 4) for name, source in sounds.items()}
for name, sound in sounds.items():
    print(name)
    display(Audio(sound.samples / 32768, rate=sound.rate, normalize=False))

# %% [markdown]
# This is what you heard. A **spectrogram** has the time from left to right, the pitch from bottom
# to top, and the loudness as colour.

# %%
plots.plot_spectrograms(sounds)

# %% [markdown]
# The tone is one line. The chirps glide. Speech is many lines at once, and a cloud for each *s*.
#
# Sound is numbers too, here of 16 bits each. How many of them there are in a second is the **sample
# rate**. Half of it is the highest pitch that fits.

# %%
speech = sounds["speech"]
for rate in (48_000, 16_000, 8_000):
    print(f"{rate:5} a second, up to {rate // 2:5} Hz: {rate * 16 / 1000:4.0f} kbit/s raw")
    slower = speech.at_rate(rate)
    display(Audio(slower.samples / 32768, rate=rate, normalize=False))

# %% [markdown]
# 8,000 is the old telephone. 48,000 is what WebRTC works with.
#
# ### A track, and its clock
#
# A **track** is one flow of pictures, or one of sound. A call does not ask a source, it asks a
# track: “Give me the next frame.” The track answers when it is time for it.

# %%
track = SourceTrack(lab.TestPattern(640, 480, fps=30))
for _ in range(4):
    frame = await track.recv()
    print(frame.pts, "×", frame.time_base, f"= {frame.time:.4f} s")
track.stop()

# %% [markdown]
# Each frame says when it was captured. `pts` is the *presentation timestamp*, counted in ticks.
# `time_base` is how long a tick is: 1/90000 of a second.
#
# Why 90,000? Because 24, 25, 30, 50 and 60 pictures a second all come out even. It is the rule for
# video ([RFC 3551, section 5](https://www.rfc-editor.org/rfc/rfc3551#section-5)).
#
# A frame of *sound* is many samples at once, and a tick is one sample.

# %%
track = AudioSourceTrack(sentence)
for _ in range(4):
    frame = await track.recv()
    print(frame.pts, "×", frame.time_base, f"= {frame.time:.4f} s,", frame.samples, "samples")
track.stop()

# %% [markdown]
# So a frame of sound is 960 ÷ 48,000 s = 20 ms.
#
# ### Now send it
#
# One call, with picture and sound. As in 00, `record()` starts the call, records, and ends it.

# %%
pattern = lab.TestPattern(640, 480, fps=30)
run = await lab.call(video=pattern, audio=sentence, seed=1).record(4)
run

# %% [markdown]
# No call possible? Run this instead: `run = lab.load_run("data/media-call.run")`.

# %%
guess.compare(run.frames["size_bytes"].mean())

# %% [markdown]
# The rest was left out: what can be told from the picture before, and what nobody would see. That
# is a codec's work, and [02](02-codecs.ipynb) is about it.

# %%
plots.plot_media_cost(run)

# %% [markdown]
# Mind the axis: each line is ten times the one before.
#
# The sound takes more than it needs. That is our peers' habit: aiortc asks Opus for 96 kbit/s. For
# speech 28 to 40 are recommended
# ([RFC 7587, section 3.1.1](https://www.rfc-editor.org/rfc/rfc7587#section-3.1.1)).
#
# Two clocks tell of the same frames here. `captured_s` is the lab's: seconds since the call began.
# `rtp_timestamp` is what travels with the frame, in ticks again. It starts anywhere.

# %%
frames = run.frames[["frame", "captured_s", "rtp_timestamp"]].dropna().sort_values("captured_s")
frames.head(4)

# %% [markdown]
# Do they agree how long a second is?

# %%
first, last = frames.iloc[0], frames.iloc[-1]
ticks = (last["rtp_timestamp"] - first["rtp_timestamp"]) % 2**32
seconds = last["captured_s"] - first["captured_s"]
print(f"{ticks:.0f} ticks in {seconds:.3f} s: {ticks / seconds:,.0f} a second")

# %% [markdown]
# The small difference is real. `captured_s` is the moment when the program got to it. The tick is
# when it should have.
#
# ### The cheapest picture
#
# What does a picture cost that is all green, and never changes? Say a number, in kbit/s. Then run
# the cell.

# %%
green = await lab.call(video=Green(), seed=1).record(4)
green

# %% [markdown]
# No call possible? Run this instead: `green = lab.load_run("data/media-green.run")`.

# %%
cost = media_cost(green).iloc[0]
print(f"{cost['coded_bytes']:.0f} bytes a picture, {cost['coded_kbps']:.0f} kbit/s")
print(f"{cost['sent_kbps']:.0f} kbit/s on the network")

# %% [markdown]
# “Nothing new” must be said too, 30 times a second. But the cells with the number do change. What
# would it be without them? The same pictures, encoded without a call, have no cells.

# %%
clip = codecs.read_clip(Green(), 4)
bare = codecs.compare_video(clip, ["vp8"], [500], xpsnr=False).summary.iloc[0]
print(f"{bare['achieved_kbps']:.0f} kbit/s without the cells")
print(f"{cost['sent_kbps'] - cost['coded_kbps']:.0f} kbit/s are headers")

# %% [markdown]
# Even that is not nothing. And every packet has headers: who sends it to whom, what it is, a seal
# against forgery. So a camera that looks at a wall is not free. A camera that is *off* is.
#
# ## Change one thing
#
# ### Ask for 1280 × 720
#
# Now the real thing: your browser's camera. A web page asks for it with `getUserMedia`, and says
# what it would like. These wishes are **constraints**.

# %%
asked = {"width": 1280, "height": 720, "frameRate": 30}
cam = lab.browser_call(video=asked, back_video=lab.TestPattern(320, 240), seed=1)
cam

# %% [markdown]
# Press **Use camera and microphone**. The browser asks whether this page may have them: only you
# can allow that. The pictures go to the lab on this computer, and nowhere else. **Stop** turns the
# camera off.
#
# No camera, or you would rather not? Press **Use a test picture**. The page then draws one.
#
# When you see yourself, run the next cell. It records three seconds. If nothing is connected, it
# says so and takes our recording.

# %%
try:
    await cam.connected(within_s=5)
    mine = await cam.record(3)
except lab.LabError as error:
    print(error, "Here is our recording instead.", sep="\n")
    mine = lab.load_run("data/media-camera.run")

# %% [markdown]
# What did the browser give us, and what arrived?

# %%
shown = {"video": [*asked, "resizeMode"], "audio": ["sampleRate", "channelCount"]}
for detail in mine.events.query("name == 'media_settings'")["detail"]:
    track = json.loads(detail)
    print(track["kind"], {name: track["settings"].get(name) for name in shown[track["kind"]]})

# %%
here = mine.frames[(mine.frames["track"] == "browser:video") & (mine.frames["fate"] == "shown")]
here.groupby(["width", "height"]).agg(
    frames=("rtp_timestamp", "size"), first_s=("decoded_s", "min"), last_s=("decoded_s", "max")
)

# %% [markdown]
# The first lines are what the browser opened. The table is what came out at the lab: one line for
# each size of picture, with the seconds at which the first and the last of them came.
#
# The settings may differ from the wishes. A bare `1280` is a wish: the browser takes what comes
# nearest to it, and raises no error. It may also cut and scale what the camera has; then
# `resizeMode` says `crop-and-scale`. Who must have it writes `{"exact": 1280}`. Then it is that or
# an error, the `OverconstrainedError`
# ([W3C, Media Capture and Streams](https://www.w3.org/TR/mediacapture-streams/)).
#
# What *arrives* may be smaller again. When the network or the computer is slow, the browser sends
# smaller pictures for a while. So read the size from each frame, and never take it for granted.
#
# In Flutter, `getUserMedia` of `flutter_webrtc` takes wishes too. Many examples use an older
# spelling there, with `mandatory` and `minWidth`. There as here: look at what came.

# %%
await cam.close()

# %% [markdown]
# A file has no wishes of its own. Ask ours, which is 640 × 360, for an upright picture:

# %%
lab.MediaFile("runs/film.mp4", 360, 640, fps=15)

# %% [markdown]
# You get exactly that. The lab makes the picture smaller and adds bars, and of two pictures it
# leaves out one. The picture does not tell what the file was like. With a camera, `resizeMode`
# does.
#
# ### A source that is late
#
# This test pattern needs 100 ms for one picture of every 30. A camera in the dark does such things.


# %%
class Slow(PictureReader):
    def __init__(self, reader):
        self.reader = reader

    def picture(self, k):
        if k % 30 == 0:
            time.sleep(0.1)
        return self.reader.picture(k)


class Busy(lab.TestPattern):
    def open(self):
        return Slow(lab.TestPattern(self.width, self.height, self.fps).open())

    def describe(self):
        return "test pattern, late once a second"


# %% [markdown]
# At 30 a second there is a frame to take every 33 ms. Where does the one go that takes 100?

# %%
busy = await lab.call(video=Busy(640, 480, fps=30), seed=1).record(4)
busy

# %% [markdown]
# No call possible? Run this instead: `busy = lab.load_run("data/media-busy.run")`.

# %%
plots.plot_capture_intervals([run, busy], names=["calm", "busy"])

# %% [markdown]
# The points show the time from one captured frame to the next. Calm is a narrow band: its width is
# the **jitter** of the capture. Each large mark is a place where ticks went by without a picture.

# %%
intervals = capture_intervals(busy)
intervals[intervals["skipped"] > 0].round(1)

# %% [markdown]
# What was missed is *skipped*. It is not sent later in a burst: that would be late for everybody,
# and old. The timestamps jump as well, so the film does not run slower behind the gap.
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. Your line to the internet carries 50 Mbit/s. Can you send one raw picture of 1280 × 720, 30
# times a second? How much smaller must it get?**

# %%
raw_mbps = 1280 * 720 * 1.5 * 8 * 30 / 1e6
print(f"raw {raw_mbps:.0f} Mbit/s, that is {raw_mbps / 50:.1f} lines")
totals = media_cost(run)[["raw_kbps", "sent_kbps"]].sum()
print(f"your own call sent {totals['raw_kbps'] / totals['sent_kbps']:.0f} times less than raw")

# %% [markdown]
# <details><summary>Answer</summary>
#
# No: you would need several such lines. At least that many times smaller it must get. A codec does
# far more, as the last number says: so many times less went through your own network.
#
# </details>
#
# **2. Two frames of video arrive. Their timestamps are 3,000 apart. How many frames a second is
# that, and how would 15 a second look?** Your own run:

# %%
steps = frames["rtp_timestamp"].diff().dropna() % 2**32
print(f"mostly {steps.median():.0f} apart, that is {90_000 / steps.median():.1f} frames a second")

# %% [markdown]
# <details><summary>Answer</summary>
#
# 90,000 ÷ 3,000 = 30. At 15 a second they are 6,000 apart. The *number* of frames is not sent
# anywhere. Who receives them sees only how far the timestamps are apart, and a skipped frame shows
# as a larger step. (Here and there it is one tick more or less: the encoder rounds.)
#
# </details>
#
# **3. You asked for 1280 × 720 and got 640 × 480, and there was no error. Is that a bug? What would
# you write if you need 720 lines?**
#
# <details><summary>Answer</summary>
#
# It is no bug: a bare number is a wish. Write `{"height": {"exact": 720}}`, and handle the error
# for those whose camera cannot do it. Better: `{"height": {"ideal": 720, "min": 360}}`. Most calls
# should go on with what there is.
#
# </details>
#
# **4. Why was the green picture not free?** How much of what was sent was not picture at all?

# %%
print(f"{1 - cost['coded_kbps'] / cost['sent_kbps']:.0%} of it was headers")

# %% [markdown]
# <details><summary>Answer</summary>
#
# A frame is sent for every tick, changed or not, and each one is a packet with headers. To save
# that, send fewer frames, or none: stop the track. (One that is only *disabled* goes on, in black.)
#
# </details>
#
# **5. The slow picture took 100 ms. Why were its ticks skipped, and not sent afterwards?**

# %%
print(f"{capture_intervals(busy)['skipped'].sum():.0f} ticks were skipped in 4 s")

# %% [markdown]
# <details><summary>Answer</summary>
#
# A call shows what is *now*. A picture that comes late is worth less than the next one, and three
# at once fill the network's queue. So a real-time source drops what it missed. A recorder would do
# the opposite.
#
# </details>
#
# ## Food for thought
#
# - Write something small in red on blue, and take a picture of it in a video call. Why is it harder
#   to read than black on white? Look at the planes.
# - Which is larger, raw: your voice for a whole day, or your camera for one minute?
# - Ask for `{"width": {"exact": 9999}}` in the browser cell, and press the camera's button. Who
#   says no, and in which words?
# - A telephone is held upright. Who turns the picture: the camera, the sender, or the receiver?
# - Change `Green` so that every pixel is different each time
#   (`os.urandom(plane.buffer_size)`). What does that cost, and how does it look at the other end?
#
# ## Troubleshooting
#
# - **`There is no file runs/film.mp4`**: run the cell that makes it.
# - **Your calm call skips ticks too**: the computer does something else as well. Ours is
#   `data/media-call.run`.
# - **`The browser was not connected`**: press a button of the widget, then run the cell again.
# - **The browser does not ask, and says no**: you denied it before. Look for a camera beside the
#   page's address, and allow it there.
# - **There is no camera in the list, or another program has it**: close that program, or use the
#   test picture. Everything after it works the same.
# - **Camera and microphone are refused though you allow them**: browsers give them only to pages
#   of this computer, and to pages whose address begins with `https`.
# - **You hear nothing**: is the page muted? Press play again.
# - **It says “the recorded sentence”**: this computer cannot speak. Install `espeak-ng`, and
#   `lab.Speech("your text")` says your own.
# - **Anything else**: run `labkit doctor` in a terminal. It says what is not fine, and what to do.
#
# ## Clean up
#
# The camera is off when the call is closed. Closing twice does no harm. Keep your run:

# %%
await cam.close()
run.save("runs/my-media.run", force=True)

# %% [markdown]
# ## Next
#
# [02 · Codecs](02-codecs.ipynb) shows how a picture gets so small. Or stay with sound:
# [Deeper: sound](deeper/01-audio.ipynb) is about loudness, what is lost at 8,000 samples a second,
# and why a packet holds 20 ms.
