# %% [markdown]
# # Mesh, MCU, SFU: who sends what to whom?
#
# **You will** let three people meet in three ways, and see what each way costs whom. You will
# measure what a server in the middle costs, to a tenth of a millisecond. And you will watch it
# choose pictures for a receiver whose network grows thin.
#
# It takes about 25 minutes. You need no camera, no account and no internet, but for the first time:
# a LiveKit server is built then, which takes about two minutes.
# [00 · Start here](00-start.ipynb) explains cells and runs, [09 · Rooms](09-rooms.ipynb) rooms.

# %%
import asyncio

import pandas as pd

import labkit as lab
from labkit import plots, rooms
from labkit.run.statistics import latency_ms
from labkit.run.topology import topology_table

# %% [markdown]
# The server: found, or built from its checked source. Where neither can be done, this cell says
# why, and the chapter shows what was recorded on another machine: `data/mesh-scenes.json` and the
# runs `data/mesh-p2p.run`, `data/mesh-sfu.run`, `data/mesh-sdk.run` and `data/mesh-simulcast.run`.

# %%
stage = await rooms.stage("data/mesh-scenes.json")
stage

# %% [markdown]
# ## Predict
#
# Three shapes of a call with N people who all see each other:
#
# - **Mesh**: each is connected to each. Nobody else is needed.
# - **MCU** (*multipoint control unit*): a server decodes everybody, draws one picture of all, and
#   sends that to everybody.
# - **SFU** (*selective forwarding unit*): a server passes packets on. It decodes nothing.
#
# [RFC 7667](https://www.rfc-editor.org/rfc/rfc7667) has these and more. LiveKit is an SFU.
#
# Think of a call of four.

# %%
uplink_guess = lab.predict("What alice sends in a mesh of 4, divided by what she sends to an SFU?")
uplink_guess

# %% [markdown]
# And of a call of two. Between them, instead of a direct way, stands the SFU.

# %%
hop_guess = lab.predict("By how much does that make a frame later?", unit="ms")
hop_guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Three people, three shapes
#
# Each shows a small test pattern, 15 times a second. First the mesh: three connections, and each
# of them has an encoder at both ends.

# %%
mesh = await lab.mesh(3).record(3)

# %% [markdown]
# Then the MCU. It is one of the lab's own, a hundred lines: decode, put into a mosaic, encode once.

# %%
mcu = await lab.mcu(3).record(3)

# %% [markdown]
# And a room on the SFU, of the same engine.


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
# Up and down in kbit/s for each participant; `cpu_percent` is of one core, for all processes
# together; `seen` is how many others' pictures each receives. In the mosaic of the MCU there are
# three: you see yourself, too.
#
# ### From two to six
#
# Three points are no curve. This was measured for 2 to 6 people on a machine of two cores. A curve
# ends with a cross where the machine is full: what comes after it would be about the machine.

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
# - **CPU**: everybody is on one machine here. In a mesh the work is the participants': N − 1
#   *encoders* and N − 1 decoders each. The MCU takes it to the server, which decodes N and encodes
#   one. The SFU itself hardly has any: what grows in its curve are the participants' decoders.
# - **Latency**: the MCU decodes, waits for the next tick of its own clock, and encodes again. Half
#   a tick is 33 ms at 15 pictures a second.
#
# The lecture's *rooms with transcoding* are the MCU. LiveKit's rooms are not.
#
# ### The server's own hop
#
# What does the SFU itself cost? Take *the same* two endpoints, aiortc with the lab's jitter buffer,
# and let them talk directly, then through the server. Everything else stays: source, codec, links,
# the way it is measured.

# %%
p2p = await stage.record("mesh-p2p", lab.call(), 4)
through = await stage.record("mesh-sfu", lab.room("alice", "bob", server=stage.server), 4)

# %%
plots.plot_latency_distribution([p2p, through], names=["direct", "through the SFU"])

# %%
hop_guess.compare(latency_ms(through)["p50"] - latency_ms(p2p)["p50"])

# %% [markdown]
# A packet is decrypted, looked at, encrypted for bob, and sent: that is all. On a quiet machine it
# is under a millisecond. The way *to* the server is another matter: here it is on the same table.
# Put it on another continent, and that way is your latency, twice.

# %%
plots.plot_budget([p2p, through], names=["direct", "through the SFU"])

# %% [markdown]
# ## Change one thing
#
# ### Simulcast: three pictures at once
#
# An SFU cannot make a picture smaller: it would have to decode it. So the *sender* makes several
# sizes, called layers: `f` full, `h` half, `q` quarter. The SFU passes **one** of them on to each
# receiver.
#
# For this alice and bob use LiveKit's SDK. bob asks for the low layer at 5 s, for the high one at
# 7 s. At 11 s his downlink shrinks to 400 kbit/s. The run takes 20 s, so it is started in one cell
# and awaited in the last.


# %%
async def thin_out(room):
    await asyncio.sleep(5)
    await room.ask("bob", rooms.choose_layer("alice", "low"))
    await asyncio.sleep(2)
    await room.ask("bob", rooms.choose_layer("alice", "high"))
    await asyncio.sleep(4)
    room.set_link("bob", downlink=lab.Link(rate_kbps=400))


# %%
wide = lab.TestPattern(960, 540, fps=15)
alice = lab.participant("alice", engine="livekit", video=wide, options={"dynacast": True})
bob = lab.participant("bob", engine="livekit", options={"dynacast": True})
layered = lab.room(alice, bob, server=stage.server)
await stage.open(layered)

# %%
if stage.server:
    acting = asyncio.create_task(thin_out(layered))
    recording = asyncio.create_task(stage.record("mesh-simulcast", layered, 20))

# %% [markdown]
# Meanwhile: how long do you expect bob to wait for the other size when he *asks*? And when his
# network just gets thin?

# %%
if stage.server:
    await asyncio.sleep(9)

# %%
if stage.server:
    await asyncio.sleep(8)

# %%
simulcast = await recording if stage.server else stage.load("mesh-simulcast")
plots.plot_layers(simulcast)

# %%
rooms.switch_times_s(simulcast)

# %% [markdown]
# When he asks, a fifth of a second: the SFU waits for a key frame of the other layer and goes on
# with that. On a thin link nobody asks. Packets queue, bob's reports tell, the SFU's estimate
# falls, and only then it takes a smaller layer. Between lies the time in which bob sees little.
# (A sender *without* layers would leave the SFU nothing to choose: bob's picture would freeze.)
#
# The upper half is alice's side: she pays for all layers, whatever bob takes.
#
# ### Dynacast: layers that nobody wants
#
# Unless she is told. With `dynacast` the server says which layers are wanted by *anybody*, and the
# others stop. Not at once: somebody might come back. Here bob asks for the low one and stays there.


# %%
async def nobody_wants_more():
    from labkit.run.statistics import window

    async with lab.room(alice, bob, server=stage.server) as room:
        await room.ask("bob", rooms.choose_layer("alice", "low"))
        run = await room.record(8)
    sent = run.samples[run.samples["name"].astype(str).str.startswith("sent_kbps:")]
    late = sent["at_s"] > window(run)[1] - 2
    columns = {"first seconds": sent[~late], "last two seconds": sent[late]}
    medians = {k: v.groupby("name")["value"].median() for k, v in columns.items()}
    return pd.DataFrame(medians).reset_index()


# %%
dynacast = await stage.play(nobody_wants_more)
dynacast.round(0)

# %% [markdown]
# ### Codecs through the SFU, and what it does not do
#
# Four people publish at once, each with another codec. bob receives all of them.


# %%
async def codecs():
    small = lab.TestPattern(320, 180, fps=15)
    asked = ["vp8", "h264", "vp9", "av1"]
    people = [
        lab.participant(f"{codec} fan", engine="livekit", video=small, codec=codec)
        for codec in asked
    ]
    bob = lab.participant("bob", engine="livekit")
    run = await lab.room(*people, bob, server=stage.server).record(3)
    got = run.events[(run.events["peer"] == "bob") & (run.events["name"] == "track_subscribed")]
    shown = run.frames[run.frames["receiver"] == "bob"].groupby("track")["latency_ms"]
    parts = r'"codec": "(?P<arrived>[^"]+)".*"participant": "(?P<who>[^"]+)"'
    told = got["detail"].str.extract(parts)
    told = told.set_index(told.pop("who") + ":video")
    told = told.assign(frames=shown.count(), p50_ms=shown.median().round(1))
    return told.sort_index().reset_index()


# %%
await stage.play(codecs)

# %% [markdown]
# What went in came out. The SFU translates nothing: whoever cannot decode AV1 sees nothing of the
# AV1 fan, unless *he* sends a second codec as well (LiveKit calls that a backup codec). Transcoding
# is what LiveKit's *Egress* and *Ingress* do: programs of their own, beside the server.
#
# The choice costs the SFU nothing. It costs the fans: [02 · Codecs](02-codecs.ipynb) has the price.
#
# ### Customisation: what an app decides
#
# Size, rate and bitrate of the picture; bitrate, silence and repair of the sound. Each is an option
# of whoever *publishes*. Five microphones:


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
# *DTX* sends next to nothing while nobody speaks. *RED* sends each block of sound a second time
# with the next one, so that a lost packet is no gap
# ([RFC 2198](https://www.rfc-editor.org/rfc/rfc2198)): about twice the rate, and LiveKit's habit.
#
# And pictures: the same 640×360, asked for 200 and 800 kbit/s, and at a third of the frame rate.


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
# A bitrate is a limit, not an order: the test pattern is smooth, and the encoder may not need all
# of it. And fewer pictures are not cheaper by themselves: each may be larger then, and differs more
# from the one before.
#
# ### Engines on one figure
#
# One source, VP8 640×480 at 30 pictures a second, clean links; what differs is who carries it. The
# SDK's line has a ring: that part of its latency is its own jitter buffer.

# %%
sdk_alice = lab.participant("alice", engine="livekit", video=lab.TestPattern())
sdk_bob = lab.participant("bob", engine="livekit")
sdk = await stage.record("mesh-sdk", lab.room(sdk_alice, sdk_bob, server=stage.server), 5)

# %%
plots.plot_engines(
    {
        "aiortc as it comes, direct": lab.load_run("data/latency-stock.run"),
        "the lab's buffer, direct": p2p,
        "the lab's buffer, through the SFU": through,
        "LiveKit's SDK, through the SFU": sdk,
        "a browser, through the SFU": None,
        "libwebrtc, direct": None,
    }
)

# %% [markdown]
# Run the SDK's cell again, and once more: you may see 20 ms, then 60. Nothing has changed but how
# the call began. Its buffer takes what it met in the first second for the network, and forgets it
# slowly. *One run of an adaptive system is no measurement.* That is why the hop above was measured
# with endpoints that do not adapt.
#
# The two open places are for those whose turn comes in other chapters.
#
# ## Your turn
#
# How many streams flow in each shape? Write it as three small functions of `n`: all streams that
# leave a participant or a server, in the whole call, when everybody sees everybody.


# %%
def streams(n):
    """Return the number of streams by topology, as a dictionary with mesh, mcu and sfu."""
    ### BEGIN SOLUTION
    return {"mesh": n * (n - 1), "mcu": n + n, "sfu": n + n * (n - 1)}
    ### END SOLUTION


# %% tags=["needs-solution"]
pd.DataFrame({n: streams(n) for n in (2, 4, 10, 100)}).T

# %% [markdown]
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. Which streams does a participant send and receive in each shape, and who encodes?** Your
# three runs:

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
# There is no P2P in LiveKit: all media pass the server. They do so quickly because it neither
# decodes nor encodes. You have measured how quickly.
#
# </details>
#
# **3. What can an SFU do for a receiver on a thin network, and what can it not do?**
#
# <details><summary>Answer</summary>
#
# It can choose: another layer, fewer frames, or nothing at all for who is not looked at. It cannot
# make what nobody has sent. Without simulcast (or a scalable codec) there is nothing to choose.
#
# </details>
#
# **4. Who pays for simulcast?**

# %%
sent = simulcast.samples[simulcast.samples["name"].astype(str).str.startswith("sent_kbps:")]
sent.groupby("name")["value"].median().round(0).to_dict()

# %% [markdown]
# <details><summary>Answer</summary>
#
# The sender: uplink and encoder for all layers, here about twice the largest one alone. That buys
# every receiver the size that fits. Dynacast gives back what nobody wants.
#
# </details>
#
# **5. Which advantages has LiveKit over Twilio's Video API?**
#
# <details><summary>Answer</summary>
#
# First look at the date of what you read: Twilio announced the end of its video service in 2023,
# and took that back in October 2024. Then separate LiveKit's *server*, which you run, from its
# *cloud*, which you rent; Twilio can only be rented. Three differences that hold in November 2026:
# you may run LiveKit yourself (Apache 2.0); it takes VP9, AV1 and H.265 beside VP8 and H.264;
# end-to-end encryption works through its SFU. Each is an advantage *for somebody*. The whole table,
# with sources and dates, is in [LiveKit and Twilio](../docs/livekit-and-twilio.md).
#
# </details>
#
# ## Food for thought
#
# - From how many people on would *you* leave the mesh? What decides: uplink, encoder, battery?
# - With an SFU the operator could look at every picture: it is decrypted there. What would you do
#   about it? (Chapter 09's deeper part on encryption does it.)
# - An MCU's mosaic is the same for all. Name an app where that is what you want.
# - In a lesson with 30 cameras nobody looks at 29 pictures in full size. What would you ask for?
#
# ## Troubleshooting
#
# - **“Recorded on …”**: there is no server. The first cell says why; `labkit livekit --build` in
#   a terminal builds it.
# - **The hop is 3 ms and more, or less than nothing**: the machine is busy. Close other programs,
#   and make both runs again, right after each other.
# - **bob never gets the small layer**: a link of 400 kbit/s may need a few seconds more. Record
#   longer.
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
