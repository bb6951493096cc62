# %% [markdown]
# # Deeper: sound
#
# **You will** measure how loud a sound is in three ways, and hear why one is not enough. You will
# make a tone appear that nobody played. Then you find out why WebRTC sends sound in pieces of
# 20 ms.
#
# It takes about 35 minutes. You should have done [01 · Media](../01-media.ipynb). Take headphones
# if you have some, and turn the volume down first.

# %%
import numpy as np
import pandas as pd
from IPython.display import Audio, display

import labkit as lab
from labkit import codecs, plots
from labkit.media import loudness_lufs


def play(name, sound):
    print(name)
    display(Audio(sound.samples / 32768, rate=sound.rate, normalize=False))


# %% [markdown]
# ## Predict
#
# A tone of 5000 Hz is stored with 48,000 samples a second. You keep every sixth sample, so that
# 8,000 are left, and play them at the right speed.

# %%
guess = lab.predict("Which pitch do you hear, in Hz?", unit="Hz")
guess

# %% [markdown]
# ## How loud is it?
#
# A sample is a number from -32,768 to 32,767. The largest is *full scale*. Levels are counted down
# from there, in **dBFS**: 0 is the most there can be, and 6 less is about half the number.
#
# There are two levels. The **peak** is the largest sample. The **RMS** is a mean: the root of the
# mean square, so it stands for the power.


# %%
def peak_dbfs(sound):
    return 20 * np.log10(np.abs(sound.samples.astype(float)).max() / 32768)


def rms_dbfs(sound):
    return 10 * np.log10(np.mean((sound.samples / 32768) ** 2))


# %% [markdown]
# Four sounds. The tones have the same peak.

# %%
sounds = {
    "low tone": codecs.read_sound(lab.Tone(100, level_dbfs=-20), 4),
    "high tone": codecs.read_sound(lab.Tone(3000, level_dbfs=-20), 4),
    "chirp": codecs.read_sound(lab.Chirp(level_dbfs=-20), 4),
    "speech": codecs.read_sound(lab.Speech(), 4),
}
rows = [{"peak_dbfs": peak_dbfs(sound), "rms_dbfs": rms_dbfs(sound)} for sound in sounds.values()]
levels = pd.DataFrame(rows, index=list(sounds))
levels.round(1)

# %% [markdown]
# For a tone the two are 3 dB apart, always. For speech it is much more: the peaks are short, and
# there are pauses. So a meter that shows the peak says little about how loud somebody is.
#
# And what happens at the end of the scale? Make the tone ten times larger than fits.

# %%
tone = sounds["high tone"]
too_loud = codecs.Sound(np.clip(tone.samples * 100.0, -32768, 32767).astype(np.int16), tone.rate)
print(f"peak {peak_dbfs(too_loud):.1f} dBFS")
plots.plot_waveforms({"tone": tone, "too loud": too_loud}, to_s=0.003)

# %% [markdown]
# The tops are cut off: that is **clipping**. The corners are new tones, at 3, 5 and 7 times the
# pitch.

# %%
plots.plot_spectrograms({"tone": tone, "too loud": too_loud}, top_hz=24_000)

# %% [markdown]
# Nothing that comes later can repair it. So leave *headroom*: even a shout should stay below the
# top.
#
# ### Loud is not the same as strong
#
# The two tones have the same peak and the same RMS. Which one is louder?

# %%
for name in ("low tone", "high tone"):
    play(name, sounds[name])

# %% [markdown]
# Most people say: the high one, by far. Ears do not hear all pitches equally well. So broadcasters
# first weigh the sound by pitch, and leave out the pauses. What comes out is the **loudness**, in
# **LUFS** (ITU-R recommendation BS.1770).

# %%
levels["lufs"] = [loudness_lufs(sound.samples, sound.rate) for sound in sounds.values()]
levels.round(1)

# %% [markdown]
# How far are the tones apart now? And look at the chirps: they are silent most of the time. RMS
# counts the silence, loudness leaves most of it out.
#
# In a call each person has another microphone, and speaks at another distance. *Automatic gain
# control* brings them to about the same loudness. It is one of the constraints of `getUserMedia`:
# `autoGainControl`, beside `echoCancellation` and `noiseSuppression`.
#
# ## Fewer samples
#
# The telephone has 8,000 samples a second, so nothing above 4,000 Hz. What becomes of a tone that
# is higher? Keep every sixth sample of it:

# %%
high = codecs.read_sound(lab.Tone(5000, level_dbfs=-20), 2)
every_sixth = codecs.Sound(high.samples[::6], 8000)
play("all samples", high)
play("every sixth", every_sixth)


# %%
def pitch_hz(sound):
    spectrum = np.abs(np.fft.rfft(sound.samples))
    return float(spectrum.argmax() * sound.rate / len(sound.samples))


guess.compare(pitch_hz(every_sixth))

# %% [markdown]
# Nobody played that. 5,000 is as far above 4,000 as this is below it: the pitch is *mirrored*. It
# is called **aliasing**. The samples of the two tones are the same, so nobody can tell them apart
# any more.
#
# So one first takes away what does not fit, with a **low-pass filter**. The lab's resampler does.
# Here is a tone that rises to 12,000 Hz in four seconds, both ways.

# %%
at_s = np.arange(4 * 48_000) / 48_000
rising = np.sin(2 * np.pi * 1500 * at_s**2) * 3000
rising = codecs.Sound(rising.astype(np.int16), 48_000)
ways = {
    "48,000 a second": rising,
    "8,000, without filter": codecs.Sound(rising.samples[::6], 8000),
    "8,000, with filter": rising.at_rate(8000),
}
for name, sound in ways.items():
    play(name, sound)

# %%
plots.plot_spectrograms(ways)

# %% [markdown]
# Without the filter the tone comes down again at 4,000 Hz, and at 0 it turns once more. With it, it
# is gone where it does not fit.
#
# The same with speech. Listen to the *s*.

# %%
speech = sounds["speech"]
play("48,000 a second", speech)
play("8,000, without filter", codecs.Sound(speech.samples[::6], 8000))
play("8,000, with filter", speech.at_rate(8000))

# %% [markdown]
# Without the filter an *s* comes down from above, as a rasping noise. With it the *s* is nearly
# gone: on the phone it sounds like an *f*. That is why people spell their names there.
#
# ### Your turn
#
# Write the low-pass filter. Each new sample is a weighted mean of the samples around it. The best
# weights have the shape `np.sinc(x / 6)`, and a window makes them end softly:
#
# 1. `x` counts from -120 to 120: that is `np.arange(-120, 121)`.
# 2. `weights = np.sinc(x / 6) * np.hanning(len(x))`, divided by their sum.
# 3. `np.convolve(samples, weights, "same")` is the weighted mean everywhere.
# 4. Then keep every sixth, as int16.


# %%
def to_8000(sound):
    samples = sound.samples.astype(float)
    ### BEGIN SOLUTION
    x = np.arange(-120, 121)
    weights = np.sinc(x / 6) * np.hanning(len(x))
    samples = np.convolve(samples, weights / weights.sum(), "same")
    ### END SOLUTION
    return codecs.Sound(np.rint(samples[::6]).astype(np.int16), 8000)


# %% [markdown]
# A tone of 1000 Hz must stay as it is, and one of 5000 Hz must go.

# %% tags=["needs-solution"]
low, high = (codecs.read_sound(lab.Tone(hz, level_dbfs=-20), 2) for hz in (1000, 5000))
stays_db = rms_dbfs(to_8000(low)) - rms_dbfs(low)
goes_db = rms_dbfs(to_8000(high)) - rms_dbfs(high)
print(f"1000 Hz: {stays_db:+.2f} dB, 5000 Hz: {goes_db:+.1f} dB")
assert abs(stays_db) < 0.1 and goes_db < -40, "1000 Hz must stay, 5000 Hz must go"

# %% tags=["needs-solution"]
play("yours", to_8000(speech))
plots.plot_spectrograms({"yours": to_8000(speech), "the lab's": speech.at_rate(8000)}, top_hz=4000)

# %% [markdown]
# ## Two channels
#
# Stereo is two sounds at once. In the left ear the speech comes first, in the right one it comes
# half a millisecond later, and a little softer. Where is the speaker? (You need headphones.)

# %%
later = round(0.0005 * speech.rate)
left = speech.samples / 32768
right = 0.7 * np.concatenate([np.zeros(later), left[:-later]])
display(Audio(np.stack([left, right]), rate=speech.rate, normalize=False))

# %% [markdown]
# A call usually has one channel: a person has one mouth. Opus can do two, at up to twice the cost.
#
# To make one channel of two, take the mean of both. There is a trap in it. Somebody has swapped the
# two wires of one microphone, so its samples have the wrong sign:

# %%
swapped = -left
mean = (left + swapped) / 2
print("in stereo you hear it:", f"{np.abs(left).max():.2f}, {np.abs(swapped).max():.2f}")
print("in one channel:", f"{np.abs(mean).max():.2f}")

# %% [markdown]
# Silence. Each listener with headphones hears it, each one on the phone hears nothing.
#
# ## Why 20 ms?
#
# Sound is sent in pieces. What does a piece cost? Here is a call with speech.

# %%
call = lab.call(video=lab.TestPattern(320, 240, fps=15), audio=lab.Speech(), seed=1)
run = await call.record(4)
run

# %% [markdown]
# No call possible? Run this instead: `run = lab.load_run("../data/media-call.run")`.
#
# The run tells three sizes of the same packet: of the sound in it, of the packet that the peer made
# (`layer == "rtp"`), and of what went to the network (`layer == "wire"`).

# %%
ssrc = run.streams[run.streams["track"] == "alice:audio"]["ssrc"].iloc[0]
packets = run.packets.query("kind == 'rtp' and ssrc == @ssrc").set_index("rtp_timestamp")
sound = run.audio.set_index("rtp_timestamp")["size_bytes"]
made = packets[packets["layer"] == "rtp"]["size_bytes"]
sent = packets[packets["layer"] == "wire"]["size_bytes"]
pd.DataFrame({"sound": sound, "made": made, "sent": sent}).dropna().head(4)

# %%
rtp, seal = (made - sound).median(), (sent - made).median()
header_bytes = 28 + rtp + seal
share = header_bytes / (header_bytes + sound.mean())
print(f"28 for IP and UDP, {rtp:.0f} for RTP, {seal:.0f} for the seal: {header_bytes:.0f} bytes")
print(f"{sound.mean():.0f} bytes of sound, so {share:.0%} is headers")

# %% [markdown]
# IP and UDP are the address on the envelope. The header of RTP is 12 bytes
# ([RFC 3550, section 5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)). What else is there
# are extensions, for instance to which line of the SDP it belongs. The seal proves that nobody has
# changed the packet ([RFC 7714](https://www.rfc-editor.org/rfc/rfc7714)).
#
# The sound takes much here. That is our peers' habit: aiortc asks Opus for 96 kbit/s, and Opus may
# take more. For speech 28 to 40 are recommended
# ([RFC 7587, section 3.1.1](https://www.rfc-editor.org/rfc/rfc7587#section-3.1.1)). The headers
# stay, so they weigh more then.
#
# Here is the same sentence, encoded anew by Opus at 32 kbit/s in pieces of four lengths. Each gets
# the headers that you measured.

# %%
table = codecs.compare_packet_times(speech, header_bytes=header_bytes, rate_kbps=32)
table.round(2)

# %%
plots.plot_packet_times(table)

# %% [markdown]
# Then why not 60 ms? Because a packet can only leave when its last sample was spoken. The first one
# has waited all the time. And a lost packet is a longer hole.
#
# What is the next step worth?

# %%
for before, after in zip(table.to_dict("records"), table.to_dict("records")[1:], strict=False):
    saved = before["sent_kbps"] - after["sent_kbps"]
    waited = after["packet_ms"] - before["packet_ms"]
    print(
        f"{before['packet_ms']:.0f} → {after['packet_ms']:.0f} ms: "
        f"{saved:4.1f} kbit/s saved for {waited:.0f} ms, {saved / waited:.2f} for each"
    )

# %% [markdown]
# The first step is worth most for each millisecond, and every later one far less. So 20 ms is a
# good place to stop. It is also the rule where nobody says otherwise
# ([RFC 3551, section 4.2](https://www.rfc-editor.org/rfc/rfc3551#section-4.2)).
#
# ## Food for thought
#
# - Two people have the same RMS, and one is said to be too quiet. What would you measure?
# - A film's picture shows wheels that turn backwards. What has that to do with the tone that nobody
#   played?
# - A sensor sends ten bytes, fifty times a second. How much of its traffic is headers?
# - Opus can leave out packets while nobody speaks (look up *DTX*). Why do receivers then play a
#   soft noise?
#
# ## Troubleshooting
#
# - **You hear nothing of the low tone**: small speakers cannot play 100 Hz. Take headphones, or a
#   tone of 300 Hz.
# - **Both ears sound the same**: the computer may mix both channels into one. Look into its sound
#   settings.
# - **Your filter leaves more than -40 dB**: did you divide by the sum, and is the window as long as
#   `x`?
# - **`It has no column`**: `compare_packet_times` makes the table that the figure wants.
# - **Anything else**: run `labkit doctor` in a terminal. It says what is not fine, and what to do.
#
# ## Clean up
#
# The call ended with its recording. Nothing runs any more.

# %%
await call.close()

# %% [markdown]
# ## Next
#
# Back to [01 · Media](../01-media.ipynb), or on to [02 · Codecs](../02-codecs.ipynb), where a
# sentence goes through three codecs.
