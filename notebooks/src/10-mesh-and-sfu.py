# %% [markdown]
# # Mesh, MCU, SFU: who sends what to whom?
#
# **You will** let three people meet in three ways, and see what each way costs whom. You will
# measure the delay that a server in the middle adds. And you will watch it choose a smaller picture
# for a receiver whose network grows thin.
#
# It takes about 25 minutes. You need no camera and no account. The internet is needed only once: a
# LiveKit server is built then, which takes about two minutes. Do
# [06 · Latency](06-latency.ipynb) and [09 · Rooms](09-rooms.ipynb) first.

# %%
import asyncio
import json

import pandas as pd

import labkit as lab
from labkit import plots, rooms
from labkit.run.statistics import latency_ms
from labkit.run.topology import topology_table

# %% [markdown]
# Now the server. As in chapter 09 it is found, or built from its checked source. `stage.play` plays
# a scene on it, `stage.record` makes a Run. Where there is no server, this cell says why, and both
# return what was recorded on another machine: `data/mesh-scenes.json` and the runs
# `data/mesh-p2p.run`, `data/mesh-sfu.run`, `data/mesh-simulcast.run`, `data/mesh-dynacast.run`,
# `data/mesh-stock.run`, `data/mesh-sdk-1.run`, `data/mesh-sdk-2.run`, `data/mesh-sdk-3.run` and
# `data/mesh-browser.run`.

# %%
stage = await rooms.stage("data/mesh-scenes.json")
stage

# %% [markdown]
# ## Predict
#
# N people all want to see each other. Their call can have three shapes:
#
# - **Mesh**: each is connected to each. Nobody else is needed.
# - **MCU** (*multipoint control unit*): a server decodes all pictures and draws one *mosaic* of
#   them. Everybody gets that.
# - **SFU** (*selective forwarding unit*): a server passes packets on. It decodes nothing.
#
# ```
#        Mesh                        MCU                         SFU
#
#  alice ──── bob           alice ── MCU ── bob          alice ── SFU ── bob
#      ╲      ╱                       │                            │
#       carol                       carol                        carol
#
#  each sends 2 pictures    each sends 1 picture         each sends 1 picture
#  each receives 2          each receives 1 mosaic       each receives 2
# ```
#
# [RFC 7667](https://www.rfc-editor.org/rfc/rfc7667) has these and more. LiveKit is an SFU.
#
# What you send is your *uplink*, what you receive your *downlink*. Think of a call of four.

# %%
question = "How many times as much does alice send in a mesh of 4 as to an SFU?"
uplink_guess = lab.predict(question, unit="times")
uplink_guess

# %% [markdown]
# Now think of a call of two. alice and bob could talk directly. Instead the SFU stands between
# them.

# %%
hop_guess = lab.predict("By how much does the SFU delay a frame?", unit="ms")
hop_guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Three people, three shapes
#
# alice, bob and carol each send a small test pattern, 15 pictures a second. First the mesh. It has
# three connections, with an encoder at both ends of each. (The table comes after the third cell.)

# %%
mesh = await lab.mesh(3).record(3)

# %% [markdown]
# Then the MCU. It is the lab's own: it decodes, draws the mosaic, and encodes that once.

# %%
mcu = await lab.mcu(3).record(3)

# %% [markdown]
# And the SFU. The people are the same aiortc peers as before, but now they meet in a room.


# %%
async def three_on_the_sfu():
    small = lab.TestPattern(320, 180, fps=15)
    people = [lab.participant(name, video=small) for name in ("alice", "bob", "carol")]
    run = await lab.room(*people, server=stage.server).record(3)
    return topology_table([run]).drop(columns="cpu_by_process")


sfu = await stage.play(three_on_the_sfu)

# %%
three = pd.concat([topology_table([mesh, mcu]), sfu]).set_index("topology")
three[["uplink_kbps", "downlink_kbps", "cpu_percent", "latency_p50_ms", "seen"]].round(1)

# %% [markdown]
# - `uplink_kbps` and `downlink_kbps`: what each participant sends and receives.
# - `cpu_percent`: the work of all processes together. 100 is one core.
# - `latency_p50_ms`: half of the frames were faster.
# - `seen`: how many others each participant sees. (The mosaic has one picture more: your own.)
#
# ### From two to six
#
# One N is no curve. We measured 2 to 6 people on a machine with two cores. A curve ends with a
# cross where the machine is full: beyond it the figures would be about the machine. The shade over
# the latency reaches up to p95.

# %%
table = pd.read_csv("data/mesh-topologies.csv")
plots.plot_topologies(table)

# %%
up = table[table["n"] == 4].groupby("topology")["uplink_kbps"].mean()
uplink_guess.compare(up["mesh"] / up["sfu"])

# %% [markdown]
# Read it curve by curve:
#
# - **Uplink**: a mesh sends the same picture N − 1 times. SFU and MCU are flat: once, whatever N.
# - **Downlink**: mesh and SFU receive N − 1 pictures. Only the MCU is flat: one mosaic.
# - **CPU**: here everybody is on one machine. In a mesh each participant has N − 1 *encoders* and
#   N − 1 decoders. With the MCU each has one of both, and the server decodes N and encodes one.
#   With the SFU each has one encoder and N − 1 decoders, and these make its curve grow.
#   ([One to many](deeper/10-broadcast.ipynb) measures the server alone.)
# - **Latency**: the MCU decodes, waits for the next tick of its own clock, and encodes again. It
#   ticks 15.5 times a second, every 65 ms. So a frame waits between 0 and 65 ms, 32 on average.
#   (Its clock is faster than the cameras' by half a picture a second, and we made it so. With two
#   clocks alike, every frame of a run would wait equally long, and chance would say how long.)
#
# The lecture speaks of *rooms with transcoding*. That is an MCU. LiveKit's rooms are none.
#
# ### The server's own hop
#
# How much later is a frame because of the SFU? Take *the same* two endpoints: aiortc with the lab's
# jitter buffer. First they talk directly, then through the server. All else stays the same.

# %%
p2p = await stage.record("mesh-p2p", lab.call(), 4)
through = await stage.record("mesh-sfu", lab.room("alice", "bob", server=stage.server), 4)

# %%
plots.plot_latency_distribution([p2p, through], names=["direct", "through the SFU"])

# %%
hop_guess.compare(latency_ms(through)["p50"] - latency_ms(p2p)["p50"])

# %% [markdown]
# That is little, for the SFU does little: it decrypts a packet, looks at it, encrypts it for bob,
# and sends it. Two runs of the *same* call differ by about as much, so yours may even say less than
# nothing. Only one step of a frame's way can be the server's:

# %%
plots.plot_budget([p2p, through], names=["direct", "through the SFU"])

# %% [markdown]
# That is *network*. What differs in the other steps is chance. In life the *way* to the server
# counts more: here it stands on the same table, elsewhere perhaps on another continent.
#
# ## Change one thing
#
# ### Simulcast: three pictures at once
#
# An SFU cannot make a picture smaller: it would have to decode it. So the *sender* makes several
# sizes, called layers: `f` full, `h` half, `q` quarter. The SFU passes **one** of them on to each
# receiver.
#
# Here alice and bob use LiveKit's SDK, which can do that. First bob asks for the low layer. Two
# seconds later he asks for the high one. And three seconds later his downlink shrinks to 400
# kbit/s.

# %%
wide = lab.TestPattern(960, 540, fps=15)
alice = lab.participant("alice", engine="livekit", video=wide)
bob = lab.participant("bob", engine="livekit")
layered = lab.room(alice, bob, server=stage.server)
await stage.open(layered)


# %%
async def thin_out():
    await asyncio.sleep(2)
    await layered.ask("bob", rooms.choose_layer("alice", "low"))
    await asyncio.sleep(2)
    await layered.ask("bob", rooms.choose_layer("alice", "high"))
    await asyncio.sleep(3)
    layered.set_link("bob", downlink=lab.Link(rate_kbps=400))


to_come = stage.record("mesh-simulcast", layered, 17, meanwhile=thin_out)
recording = asyncio.create_task(to_come)

# %% [markdown]
# It takes 17 seconds. Meanwhile guess: how long does bob wait for the other size when he *asks*?
# And how long when his network just grows thin? The next cell waits for the end of the recording.

# %%
simulcast = await recording
await layered.close()
plots.plot_layers(simulcast)

# %% [markdown]
# On top you see what alice sends of each layer, below how wide the pictures are that bob gets. The
# dotted lines are his two wishes, and the thin link. How many seconds passed from a wish to the
# first picture of another width?

# %%
pd.Series(rooms.switch_times_s(simulcast), name="seconds", dtype=float).round(2)

# %% [markdown]
# When bob asks, the SFU only waits for a key frame of the other layer: a fraction of a second. On a
# thin link nobody asks. Packets queue. bob's reports tell the SFU that they come later and later.
# Its estimate of his downlink falls, and then it takes a smaller layer. Until then bob sees little:
# look how long that is, from the last dotted line to the step down.
#
# And alice? She sends all three layers all the time, whatever bob takes.
#
# ### Dynacast: layers that nobody wants
#
# She can be told to stop. With `dynacast` the server says which layers are wanted by *anybody*.
# Here bob asks for the low one soon, and stays there.

# %%
thrifty = lab.participant("alice", engine="livekit", video=wide, options={"dynacast": True})
resting = lab.room(thrifty, bob, server=stage.server)
await stage.open(resting)


# %%
async def ask_for_low():
    await resting.ask("bob", rooms.choose_layer("alice", "low"))


dynacast = await stage.record("mesh-dynacast", resting, 9, meanwhile=ask_for_low)
await resting.close()
plots.plot_layers(dynacast)

# %% [markdown]
# The server waits some seconds before it tells her: bob might change his mind.
#
# ### Codecs through the SFU
#
# Four people publish at once, each with another codec. bob receives all of them. Which codecs
# arrive?


# %%
async def codecs():
    small, people = lab.TestPattern(320, 180, fps=15), []
    for codec in ("vp8", "h264", "vp9", "av1"):
        fan = lab.participant(f"{codec} fan", engine="livekit", video=small, codec=codec)
        people.append(fan)
    run = await lab.room(*people, bob, server=stage.server).record(3)
    got = run.events[(run.events["peer"] == "bob") & (run.events["name"] == "track_subscribed")]
    arrived = pd.DataFrame([json.loads(one) for one in got["detail"]]).set_index("track")["codec"]
    shown = run.frames[run.frames["receiver"] == "bob"].groupby("track")["latency_ms"]
    columns = {"arrived": arrived, "frames": shown.count(), "latency_p50_ms": shown.median()}
    return pd.DataFrame(columns).round(1).reset_index()


# %%
await stage.play(codecs)

# %% [markdown]
# What went in came out: the SFU translates nothing. If you cannot decode AV1, you see nothing of
# the AV1 fan. (A publisher may send a second codec for you. LiveKit calls that a *backup codec*.)
# LiveKit's *Egress* and *Ingress* do transcode. They are programs of their own, beside the server.
#
# What a codec costs its sender is in [02 · Codecs](02-codecs.ipynb).
#
# ### Customisation: what an app decides
#
# The app of whoever *publishes* decides about size, frame rate and bitrate. For sound it has two
# switches more, and LiveKit's SDK turns on both:
#
# - **DTX** (*discontinuous transmission*) sends next to nothing while nobody speaks.
# - **RED** ([RFC 2198](https://www.rfc-editor.org/rfc/rfc2198)) sends each block of sound a second
#   time, together with the next one. So a lost packet leaves no gap.
#
# Five microphones. Guess their order before you look: which sends most?


# %%
async def microphones():
    speech, silence = lab.Speech(), lab.Silence()
    people = {
        "as it comes": (speech, {}),
        "16 kbit": (speech, {"audio_kbps": 16, "red": False}),
        "without RED": (speech, {"red": False}),
        "silence without DTX": (silence, {"red": False, "dtx": False}),
        "silence with DTX": (silence, {"red": False, "dtx": True}),
    }
    seats = [
        lab.participant(name, engine="livekit", audio=audio, options=options)
        for name, (audio, options) in people.items()
    ]
    run = await lab.room(*seats, "bob", server=stage.server).record(5)
    sent = run.samples[run.samples["name"] == "sent_kbps"].dropna(subset=["track"])
    return sent.groupby("peer", sort=False)["value"].median().round(1).reset_index()


# %%
await stage.play(microphones)

# %% [markdown]
# These are kbit/s. RED costs about as much again. And 16 kbit/s is a limit, not an order: the
# encoder needs less.
#
# And three cameras of 640×360: one is allowed 200 kbit/s, one 800, and one 800 at 5 pictures a
# second instead of 15.


# %%
async def cameras():
    def camera(name, fps=15, **options):
        source = lab.TestPattern(640, 360, fps=fps)
        options |= {"simulcast": False}
        return lab.participant(name, engine="livekit", video=source, options=options)

    people = [camera("200", bitrate_kbps=200), camera("800", bitrate_kbps=800)]
    people += [camera("800 at 5", fps=5, bitrate_kbps=800)]
    run = await lab.room(*people, "bob", server=stage.server).record(5)
    sent = run.samples[run.samples["name"] == "sent_kbps"].dropna(subset=["track"])
    return sent.groupby("peer", sort=False)["value"].median().round(0).reset_index()


# %%
await stage.play(cameras)

# %% [markdown]
# A third of the pictures is not a third of the bitrate. The encoder may spend as much as before, so
# each picture takes more.
#
# ### Engines on one figure
#
# One source, VP8 640×480 at 30 pictures a second, clean links; what differs is who carries it. A
# ring is the part of the latency that pictures spend in the receiver's jitter buffer. LiveKit's SDK
# and browsers tell it.

# %%
stock = await stage.record("mesh-stock", lab.call(jitter_buffer="stock"), 4)

# %% [markdown]
# That was aiortc as it comes. The lab's own buffer you have recorded above. Now the SDK, three
# times over.

# %%
sdk_alice = lab.participant("alice", engine="livekit", video=lab.TestPattern())
sdk_bob = lab.participant("bob", engine="livekit")
sdk_room = lab.room(sdk_alice, sdk_bob, server=stage.server)
sdk = [await stage.record(f"mesh-sdk-{k}", sdk_room, 4) for k in (1, 2, 3)]

# %% [markdown]
# One more engine you have at hand: your browser. This page itself joins a room, as `me`. It
# publishes nothing, so it needs no camera. alice is the lab's.

# %%
lab_alice = lab.participant("alice", video=lab.TestPattern())
me = lab.participant("me", engine="browser")
page_room = lab.room(lab_alice, me, server=stage.server)
page_room.page()

# %% [markdown]
# Press **Join**. When you see alice's picture, run the next cell. If nobody has joined, it says so
# and takes our recording, `data/mesh-browser.run`.

# %%
try:
    await page_room.connected(within_s=5)
    browser = await page_room.record(5)
except lab.LabError as error:
    print(error, "Here is our recording instead.", sep="\n")
    browser = stage.load("mesh-browser")

# %%
await page_room.close()

# %%
plots.plot_engines(
    {
        "aiortc as it comes, direct": stock,
        "the lab's buffer, direct": p2p,
        "the lab's buffer, through the SFU": through,
        "LiveKit's SDK, through the SFU": sdk,
        "a browser, through the SFU": browser,
        "libwebrtc, direct": None,
    }
)

# %% [markdown]
# The SDK has three lines: three runs, with nothing changed between them. Are yours alike? One may
# lie far from the others. The SDK's buffer takes what it met in the first second for the network,
# and forgets it slowly. *One run of an adaptive system is no measurement.* That is why the hop
# above was measured with endpoints that do not adapt.
#
# The browser has the same engine inside as the SDK, libwebrtc. Its line is longer for another
# reason, too: the others stop the clock when a picture is decoded, a page when it is presented. So
# the picture also waits for the screen's next turn, up to 17 ms at 60 Hz.
#
# And a page has a clock of its own. The lab compares the two by messages there and back. This is
# how many milliseconds the browser's line may be wrong by, at most:

# %%
clock_error_s = float(browser.peers.set_index("peer").loc["me", "clock_error_s"])
round(clock_error_s * 1000, 1)

# %% [markdown]
# One place stays open: libwebrtc without a server. [06 · Latency](06-latency.ipynb) shows it, from
# a recording. It was made at another time, so it does not belong on this figure.
#
# ## Your turn
#
# How many streams flow in each shape when everybody sees everybody? Count all that leave a
# participant or a server, in the whole call of `n`.


# %%
def streams(n):
    """Return the number of streams by topology, as a dictionary with mesh, mcu and sfu."""
    ### BEGIN SOLUTION
    return {"mesh": n * (n - 1), "mcu": n + n, "sfu": n + n * (n - 1)}
    ### END SOLUTION


# %% tags=["needs-solution"]
pd.DataFrame({n: streams(n) for n in (2, 4, 10, 100)}).T

# %% [markdown]
# For 4 people the right numbers are 12, 8 and 16. So an SFU has more streams than a mesh. Why is it
# cheaper for alice all the same?
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. Which streams does a participant send and receive in each shape, and who encodes?** Your
# three runs, counted in pictures that alice sends to the SFU:

# %%
three[["uplink_kbps", "downlink_kbps"]].div(three["uplink_kbps"]["sfu"]).round(1)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Mesh: N − 1 up, N − 1 down, N − 1 encoders each. SFU: one up, N − 1 down, one encoder each, none
# in the server. MCU: one up, one down, one encoder each, and one more in the server, which has N
# decoders as well.
#
# </details>
#
# **2. “LiveKit has low latency because of P2P.” What is wrong?**
#
# <details><summary>Answer</summary>
#
# There is no P2P in LiveKit: all media pass through the server. That is quick because the server
# neither decodes nor encodes. You have measured how quick.
#
# </details>
#
# **3. What can an SFU do for a receiver on a thin network, and what can it not do?**
#
# <details><summary>Answer</summary>
#
# It can choose: another layer, fewer frames, or none of a picture that is not looked at. It cannot
# make what nobody has sent. Without simulcast (or a codec that has layers itself, such as VP9's
# SVC) there is nothing to choose.
#
# </details>
#
# **4. Who pays for simulcast?**

# %%
sent = simulcast.samples[simulcast.samples["name"].astype(str).str.startswith("sent_kbps:")]
layers = sent.groupby("name")["value"].median()
print(layers.round(0).to_dict())
print(f"all of them: {layers.sum() / layers.max():.1f} times the largest")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The sender: uplink and encoder for all layers. In return every receiver gets the size that fits.
# Dynacast gives back what nobody wants.
#
# </details>
#
# **5. Which advantages has LiveKit over Twilio's Video API?**
#
# <details><summary>Answer</summary>
#
# First look at the date of what you read: Twilio announced the end of its video service in 2023,
# and took that back in October 2024. Then tell LiveKit's *server*, which you run, from its *cloud*,
# which you rent. Three differences hold in November 2026:
#
# - You may run LiveKit yourself (Apache 2.0). Twilio can only be rented.
# - LiveKit takes VP9, AV1 and H.265 beside VP8 and H.264.
# - End-to-end encryption works through its SFU.
#
# Each is an advantage *for somebody*. The whole table, with sources and dates, is in
# [LiveKit and Twilio](../docs/livekit-and-twilio.md).
#
# </details>
#
# ## Food for thought
#
# - From how many people on would *you* leave the mesh? What decides: uplink, encoder, battery?
# - An SFU decrypts every packet, so its operator could look at every picture. What would you do
#   about it? ([End-to-end encryption](deeper/09-encryption.ipynb) does it.)
# - An MCU's mosaic is the same for all. Name an app where that is what you want.
# - In a lesson with 30 cameras nobody looks at 29 pictures in full size. What would you ask for?
#
# ## Troubleshooting
#
# - **“Recorded on …”**: there is no server. The first cell says why; `labkit livekit --build` in
#   a terminal builds it.
# - **The hop is 3 ms and more, or far below zero**: the machine is busy. Close other programs, and
#   make both runs again, right after each other.
# - **A red line of `[OpenH264]`**: the H.264 encoder got its pictures late. It does no harm.
# - **bob never gets a smaller layer on the thin link**: the SFU may need some seconds more. Record
#   25 s instead of 17.
# - **A cell waits for 20 s and then says “did not answer”**: the machine is overloaded. Run it
#   again with fewer people.
#
# ## Clean up
#
# Closing ends the rooms, their processes and the server.

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# An app: [11 · Flutter](11-flutter.ipynb). Or go deeper:
# [one to many, until the machine is full](deeper/10-broadcast.ipynb),
# [TURN, with proof](deeper/10-turn.ipynb),
# [in by WHIP, out to a file](deeper/10-ingest.ipynb).
