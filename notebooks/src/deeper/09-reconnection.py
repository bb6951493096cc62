# %% [markdown]
# # Reconnection: how long the picture is away
#
# **You will** break alice's and bob's call in five ways, the last time by killing the server, and
# measure how long bob sees nothing.
#
# It takes about ten minutes. It goes on from [09 · Rooms](../09-rooms.ipynb), which tells what the
# server, `stage` and `room.ask` are.

# %%
import asyncio

import labkit as lab
from labkit import plots, rooms
from labkit.run.gaps import interruptions

# %% [markdown]
# If there is no server, this cell says why, and you see what was recorded:
# `../data/reconnection-scenes.json`, `../data/reconnection-bob.run` and
# `../data/reconnection-killed.run`.

# %%
stage = await rooms.stage("../data/reconnection-scenes.json", own=True)
stage

# %%
small = lab.TestPattern(320, 240, fps=15)
alice = lab.participant("alice", engine="livekit", video=small)
bob = lab.participant("bob", engine="livekit")
room = lab.room(alice, bob, server=stage.server)
await stage.open(room)

# %% [markdown]
# ## Predict
#
# The server is killed in the middle of the call, as by a crash. Two seconds later a new one is
# started, at the same address and with the same secret. Nobody presses anything.

# %%
question = "For how many seconds does bob see no new picture?"
guess = lab.predict(question, unit="s")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Four small accidents
#
# The SDK can break its own connection, for practice. bob does it four times:
#
# - **signal reconnect**: the WebSocket breaks; the media connection stays.
# - **full reconnect**: everything is made anew.
# - **migration**: the server hands bob over to another one (here: to itself).
# - **node failure**: the server is gone from one moment to the next (here: it only acts so).

# %%
KINDS = {"signal reconnect": 4, "full reconnect": 2, "migration": 2, "node failure": 2}


async def simulate(peer, kind):
    from livekit.rtc.room import SimulateScenarioKind

    peer.event("accident", kind)
    number = SimulateScenarioKind.Value("SIMULATE_" + kind.upper().replace(" ", "_"))
    await peer.room.simulate_scenario(number)


# %%
async def accidents():
    await asyncio.sleep(0.5)
    for kind, seconds in KINDS.items():
        await room.ask("bob", lambda peer, kind=kind: simulate(peer, kind))
        await asyncio.sleep(seconds)


run = await stage.record("reconnection-bob", room, 12, meanwhile=accidents)
interruptions(run, "bob", "accident").round(0)

# %% [markdown]
# Each row is an accident, in ms: *named* until bob's app was told, *back* until it was told
# *reconnected*, and the *longest gap* without a new picture. (15 pictures a second are one every
# 67 ms.)

# %%
plots.plot_gaps(run, "bob", "accident")

# %% [markdown]
# The signal reconnect costs next to nothing: pictures do not need the WebSocket. The other three
# have a gap: the media connection is new, and a key frame must come first. And bob's app must do
# something: he now has a *new* track of alice, and must show that one. This is what his app was
# told after the full reconnect:

# %%
events = run.events[run.events["peer"] == "bob"]
start_s = events.loc[events["detail"] == "full reconnect", "at_s"].iloc[0]
after = events[events["at_s"].between(start_s, start_s + 1)]
after["name"].tolist()

# %% [markdown]
# ### The server is killed


# %%
async def kill():
    await asyncio.sleep(0.5)
    await room.ask("bob", lambda peer: peer.event("accident", "server killed"))
    await stage.server.kill()
    await asyncio.sleep(2)
    await stage.server.restart()


killed = await stage.record("reconnection-killed", room, 9, meanwhile=kill)
outage = interruptions(killed, "bob", "accident").round(0)
outage

# %%
guess.compare(outage["longest_gap_ms"].iloc[0] / 1000)

# %%
plots.plot_gaps(killed, "bob", "accident")

# %% [markdown]
# Both come back by themselves. Their tokens still hold, since the secret is the same, and the first
# one who joins makes the room anew. What the server knew is lost: the room's limit and metadata,
# who was muted, which rights were changed.
#
# For two seconds of the gap there was no server. The rest is waiting: after each try that failed, a
# client waits longer until the next.

# %%
names = ["reconnecting", "reconnected", "server_gone", "server_back"]
told = killed.events[killed.events["name"].isin(names)]
told[["at_s", "peer", "name"]].round(2)

# %% [markdown]
# If no server comes back, a client gives up in the end. The event *disconnected* then says
# `UNKNOWN_REASON`, and the app itself must ask for a token and join again.
#
# ## Change one thing
#
# Let *alice* have the accidents: change `"bob"` in `room.ask` of `accidents`, and record again. Now
# it is the publisher whose connection breaks. Is the gap at bob longer or shorter? Why?
#
# Or let bob join without an SDK: `engine="labkit"` for bob, and leave out the accidents, which only
# the SDK can simulate. When the server is back, the lab does what an app without an SDK must do
# itself: it sees that the server was gone, makes a new token, and joins again.
#
# ## Food for thought
#
# - An app shows “reconnecting …” at the first event. In which of the five cases would you rather
#   show nothing?
# - What would you keep outside the room, so that it is not lost with the server?
#
# ## Troubleshooting
#
# - **“This room is not running”**: the participants had given up. Run all cells from the top.
# - **A gap of many seconds in the first figure**: something else uses the computer.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# [Streams and data tracks](09-streams.ipynb), or back to [09 · Rooms](../09-rooms.ipynb).
