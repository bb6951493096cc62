# %% [markdown]
# # Latency: whose milliseconds are they?
#
# **You will** follow one frame from alice to bob and see which step takes how long. You will find a
# whole frame interval that nobody needs. And you will put two numbers of the lecture to the test.
#
# It takes about 20 minutes. [00 · Start here](00-start.ipynb) explains cells, runs and charts.

# %%
import labkit as lab
from labkit import plots
from labkit.run.statistics import budget_ms, latency_ms, setup_steps

# %% [markdown]
# ## Predict
#
# Six moments of a frame's way are noted, in seconds (`_s`). Between them lie five steps:
#
# | step | from | to | what happens |
# |---|---|---|---|
# | encode | `captured_s` | `encoded_s` | the picture is compressed |
# | send | `encoded_s` | `first_sent_s` | it is cut into packets and encrypted |
# | network | `first_sent_s` | `last_arrived_s` | all its packets travel |
# | buffer | `last_arrived_s` | `released_s` | the whole frame waits to be handed to the decoder |
# | decode | `released_s` | `decoded_s` | it becomes a picture again |
#
# The *buffer* is the **jitter buffer**. Packets take differently long: that is *jitter*. They can
# change order. The jitter buffer puts them in order and hands out whole frames.
#
# The peers are made of **aiortc**, which is WebRTC in Python. In [00](00-start.ipynb) the lab used
# a jitter buffer of its own, called `"marker"`, and still does when you name none. Now we ask for
# aiortc's, as it comes: `"stock"`. Both peers are on this computer, so the network costs next to
# nothing, and no packet is lost or late.

# %%
guess = lab.predict("How many milliseconds does a frame wait in aiortc's own buffer?", unit="ms")
guess

# %% [markdown]
# ## Run it, be surprised
#
# As in 00, `record()` starts the call, records, and ends it.

# %%
picture = lab.TestPattern(640, 480, fps=30)
stock = await lab.call(video=picture, jitter_buffer="stock", seed=1).record(4)
stock

# %% [markdown]
# No call possible? Run this instead: `stock = lab.load_run("data/latency-stock.run")`.
#
# Here is *one* frame, the typical one: half of the others were faster. You see its six moments, in
# milliseconds since it was captured. Go down and find the largest step.

# %%
frame = stock.frames.sort_values("latency_ms").iloc[len(stock.frames) // 2]
moments = ["captured_s", "encoded_s", "first_sent_s", "last_arrived_s", "released_s", "decoded_s"]
((frame[moments] - frame["captured_s"]) * 1000).astype(float).round(1).to_frame("ms")

# %% [markdown]
# One frame proves nothing. This is the mean of all of them: the **latency budget**.

# %%
plots.plot_budget(stock)

# %%
guess.compare(budget_ms(stock)["buffer"])

# %% [markdown]
# All packets are there, none is late, and still the frame waits. For how long? A thirtieth of a
# second is one **frame interval**, and the wait is nearly one: 33 ms.
#
# The reason: a frame is several packets, and they all carry the same timestamp. Stock aiortc takes
# a frame for complete when it sees a packet with *another* timestamp, which is the next frame's
# first packet. So each frame waits for the next one.
#
# It need not. The sender marks the last packet of each frame with one bit, the **marker**
# ([RFC 3551, section 5.1](https://www.rfc-editor.org/rfc/rfc3551#section-5.1), for VP8
# [RFC 7741, section 4.1](https://www.rfc-editor.org/rfc/rfc7741#section-4.1)). The lab has a buffer
# that reads it:

# %%
from labkit.peers.jitterbuffers import MarkerJitterBuffer

print(MarkerJitterBuffer.__doc__.split("Args:")[0])

# %%
marker = await lab.call(video=picture, jitter_buffer="marker", seed=1).record(4)
marker

# %% [markdown]
# No call possible? Run this instead: `marker = lab.load_run("data/latency-marker.run")`.

# %%
plots.plot_budget([stock, marker])

# %% [markdown]
# The same call, the same picture, one bit of attention.
#
# How sure can you be of it, when every run is a little different? Look at *all* frames instead of
# the mean. Read a curve so: where it is 50 % high, half of the frames were faster.

# %%
plots.plot_latency_distribution([stock, marker])

# %% [markdown]
# **Is that a truth about WebRTC? No.** It is a habit of one program. Chrome, Safari and Flutter run
# another one, *libwebrtc*, which does not wait for the next frame. We recorded all three, one after
# the other, on one machine:

# %%
paths = ["data/latency-stock.run", "data/latency-marker.run", "data/latency-libwebrtc.run"]
three = [lab.load_run(path) for path in paths]
plots.plot_latency_distribution(three, names=["stock", "marker", "libwebrtc"])

# %% [markdown]
# libwebrtc is not as fast as the marker either: among other things, it paces what it sends and what
# it shows, so that the picture moves evenly over a real network, too. Here there is nothing to gain
# from that. (Its two lost frames are among its very first ones.)
#
# ## Change one thing
#
# ### The frame rate
#
# If the wait is one frame interval, then at 15 frames a second it must be twice as long. Say the
# number, then run the cell.

# %%
half = lab.TestPattern(640, 480, fps=15)
slow = await lab.call(video=half, jitter_buffer="stock", seed=1).record(4)
slow

# %% [markdown]
# No call possible? Run this instead: `slow = lab.load_run("data/latency-stock-15fps.run")`.

# %%
plots.plot_budget([stock, slow], names=["30 frames a second", "15 frames a second"])

# %% [markdown]
# ### The network
#
# Back to 30 frames a second and the marker. Now the link takes 50 ms each way.

# %%
link = lab.Link(delay_ms=50)
middle = await lab.call(video=picture, link=link, jitter_buffer="marker", seed=1).record(4)
middle

# %% [markdown]
# No call possible? Run this instead: `middle = lab.load_run("data/latency-delay-50.run")`.
#
# And now 100 ms.

# %%
link = lab.Link(delay_ms=100)
far = await lab.call(video=picture, link=link, jitter_buffer="marker", seed=1).record(4)
far

# %% [markdown]
# No call possible? Run this instead: `far = lab.load_run("data/latency-delay-100.run")`.

# %%
plots.plot_budget([marker, middle, far])

# %% [markdown]
# Does the latency grow by what was imposed, and by nothing else?

# %%
clean_ms = latency_ms(marker)["p50"]
for imposed_ms, one in {50: middle, 100: far}.items():
    print(f"imposed {imposed_ms} ms, measured {latency_ms(one)['p50'] - clean_ms:.1f} ms more")

# %% [markdown]
# Before you believe a measurement, ask what its instrument does. The link is a program too, and it
# can be late. It writes down by how much: its *own error*, the second column. 99 of 100 packets
# were less late than its p99.

# %%
plots.plot_link([middle, far])

# %% [markdown]
# ### The lecture's numbers
#
# The lecture says that WebRTC has a latency of *less than 100 ms for sound and up to 200 ms for
# pictures*. Here is a link of 50 ms: in glass fibre, light goes about 200 km in a millisecond, so
# that is 10,000 km. This time alice sends sound too.

# %%
call = lab.call(
    video=picture, audio=lab.Chirp(), link=lab.Link(delay_ms=50), jitter_buffer="marker", seed=1
)
sound = await call.record(4)

# %% [markdown]
# No call possible? Run this instead: `sound = lab.load_run("data/latency-sound.run")`.

# %%
print(f"picture {latency_ms(sound)['p50']:.0f} ms")
print(f"sound   {sound.audio['latency_ms'].median():.0f} ms")

# %% [markdown]
# Picture: under 200 ms. Sound: over 100 ms. Pictures keep the lecture's promise here, sound does
# not. It waits in aiortc's own buffer for sound, which holds four blocks of 20 ms back
# (`prefetch=4` in its source, `rtcrtpreceiver.py`). The 20 ms in which a block is *recorded* even
# come on top. And with a link of 200 ms, pictures would break the promise, too.
#
# So the claim is neither true nor false: **WebRTC promises no number.** The network, the buffers
# and the computers make it. What people need is another matter: the telephone world plans for at
# most 150 ms from mouth to ear, and takes 400 ms for the limit (ITU-T recommendation G.114).
#
# ### Before the first frame
#
# Latency also exists before there is a call: somebody pressed the button and waits. These steps
# come one after the other:
#
# - **Signaling**: an offer and an answer are carried over. How, is not the business of WebRTC: here
#   they stay within one program, elsewhere a server carries them.
# - **Gathering**: each peer lists its addresses. A *STUN* server would tell it how it is seen from
#   outside, and a *TURN* server would pass everything on; on one machine nobody needs them.
# - **ICE**: is anybody there? The peers try their addresses until one way works.
# - **DTLS**: who are you, which keys? From then on all is encrypted.
# - **First packet**, **first frame**: pictures and sound travel as *SRTP*, which is RTP encrypted
#   with these keys. (Other data would travel as *SCTP*, inside DTLS.)
#
# Compare the steps without and with 100 ms each way.

# %%
plots.plot_setup([marker, far])

# %% [markdown]
# A step that became 200 ms longer asks a question and waits for the answer. 200 ms longer: one
# round trip. 400 ms: two.
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. Which parts is the WebRTC stack made of, and what does each do?** You met most of them
# above, in the table and in the list. Which of them do you find in your budget?

# %%
{step: round(ms, 1) for step, ms in budget_ms(far).items()}

# %% [markdown]
# <details><summary>Answer</summary>
#
# - The **media engine** captures, encodes and decodes (VP8, VP9, H.264, AV1; Opus), and holds the
#   **jitter buffer**: *encode*, *buffer* and *decode* are its.
# - The **transport** is in *send* and *network*: **ICE**, with the help of STUN and TURN servers,
#   finds a way between the peers; **DTLS** agrees on keys; **SRTP** carries pictures and sound,
#   encrypted; **SCTP** carries data channels.
# - **Congestion control** decides how much is sent: you see it in the bitrate.
# - **Signaling** is needed, and is *not* part of WebRTC: it brings the peers together, and is seen
#   only in the set-up, before the first frame.
#
# </details>
#
# **2. Which steps get shorter with a faster computer, with a shorter way, with a better rule?**
# Whose milliseconds are they in your run?

# %%
shares = {step: ms / latency_ms(far)["mean"] for step, ms in budget_ms(far).items()}
for step, share in shares.items():
    print(f"{step:8} {share:6.1%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Computer: encode, send and decode. Way: network. Rule: buffer. With a far network the rest
# hardly counts, and without one it is all there is. That is why you measure before you improve.
#
# </details>
#
# **3. Many programs show half the round-trip time as “latency”. How wrong is that?** In the stock
# run the network was this part of a frame's way:

# %%
network_ms, total_ms = budget_ms(stock)["network"], latency_ms(stock)["mean"]
print(f"network {network_ms:.1f} ms of {total_ms:.1f} ms")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Half a round trip sees the network only. It misses the frame in the encoder, in the buffer, in the
# decoder: on one machine that is nearly everything. It also takes both directions for equally
# long, which they often are not.
#
# </details>
#
# **4. How many round trips does it take until bob's first frame?** One round trip of `far` takes
# 200 ms. Offer and answer are handed over within one program here, so start with ICE:

# %%
steps = setup_steps(far).query("peer == 'bob'").set_index("step")
took_ms = steps["end_ms"]["first_frame"] - steps["start_ms"]["ice_connected"]
print(f"{took_ms:.0f} ms are {took_ms / 200:.1f} round trips")

# %% [markdown]
# <details><summary>Answer</summary>
#
# About three: one for ICE (is anybody there?) and two for DTLS (who are you, and which keys?). The
# first frame comes right behind the last message of DTLS. The rest is computing time. Signaling
# through a real server comes on top, and costs at least one more.
#
# </details>
#
# ## Food for thought
#
# - We measure from “alice has the picture” to “bob has the picture”. What is missing before, in a
#   camera, and after, in a screen? How would you measure it with a second camera and a stopwatch?
# - Why do people quote p95 and not the mean? Look for a run of yours in which the two differ most.
# - The marker buffer hands a frame out at once. What if the network sometimes takes longer, and
#   sometimes less? Here is 20 ms of jitter. Compare the time from one picture to the next, p50 and
#   p95, with that of a calm network. What would you rather have, a late picture or a jerky one?

# %%
link = lab.Link(delay_ms=50, jitter_ms=20)
shaky = await lab.call(video=picture, link=link, jitter_buffer="marker", seed=1).record(4)

# %%
print("calm ", middle.summary()["displayed_interval_ms"])
print("shaky", shaky.summary()["displayed_interval_ms"])

# %% [markdown]
# ## Troubleshooting
#
# - **The buffer's bar is missing for the marker**: it is there, and shorter than its line is wide.
#   `budget_ms(marker)` has the number.
# - **Your encode step takes 10 ms and more**: the computer is busy, or slow. Close other programs.
#   The *difference* between stock and marker stays the same.
# - **You cannot make the calls**: load our runs; below each call stands how. (There is none for
#   “food for thought”.)
# - **Anything else**: run `labkit doctor` in a terminal. It says what is not fine, and what to do.
#
# ## Clean up
#
# Every call of this chapter ended with its recording, so nothing runs any more. Keep two runs: you
# can use them in the exercise.

# %%
from pathlib import Path

Path("runs").mkdir(exist_ok=True)
stock.save("runs/my-stock.run", force=True)
marker.save("runs/my-marker.run", force=True)

# %% [markdown]
# ## Next
#
# [Deeper: write the jitter buffer's rule](deeper/06-jitter-buffer.ipynb). Ten lines of yours, in a
# real call, against stock.
