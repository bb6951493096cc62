# %% [markdown]
# # TURN, and the proof of a relay
#
# **You will** let bob reach a room through a relay alone, by LiveKit's own TURN server and by
# coturn, and prove from the candidates that he did. Then you will take the relay away.
#
# It takes about 15 minutes. It goes on from [09 · Rooms](../09-rooms.ipynb).

# %%
import asyncio
import json

import pandas as pd

import labkit as lab
from labkit import rooms
from labkit.signaling.whip import WhipClient

# %% [markdown]
# The server, this time with its own TURN switched on. Where no server can be had, this cell says
# why, and what was recorded is shown: `../data/turn-scenes.json` and `../data/turn-livekit.run`.

# %%
stage = await rooms.stage("../data/turn-scenes.json", turn=True)
stage

# %% [markdown]
# Some networks let UDP out to nobody but one address. There a **TURN** server
# ([RFC 8656](https://www.rfc-editor.org/rfc/rfc8656)) helps: bob sends it every datagram, and it
# passes each on from an address of its own. That address is bob's *relay candidate*.
#
# ## Predict
#
# bob may use nothing but the relay. carol sits beside him and goes straight to the server. All of
# them are on this computer.

# %%
guess = lab.predict("How much longer is bob's round trip to the server?", unit="ms")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Who tells an app about TURN?
#
# The server does, as soon as somebody comes with a good token. Here is what it offers to erin, who
# knocks by WHIP.


# %%
async def offered():
    token = lab.room_token(stage.server, "erin", "door")
    url = f"{stage.server.http_url}/whip/v1"
    async with lab.peer("erin", receives=("video",)) as erin, WhipClient(url, token) as whip:
        await whip.offer(await erin.create_offer())
        return [[one.url, one.credential is not None] for one in whip.ice_servers]


# %%
await stage.play(offered)

# %% [markdown]
# The second column says whether a password came with it. It is made for this participant and holds
# for minutes (300 s unless LiveKit is told otherwise): a TURN server that relays for everybody is
# soon found by everybody.
#
# ### bob by the relay, carol without
#
# `relay_only` is what browsers call `iceTransportPolicy: "relay"`. bob joins without the lab's
# proxy, which would keep TURN servers from him; so his links cannot be bent.

# %%
alice = lab.participant("alice", video=lab.TestPattern(320, 240, fps=15))
bob = lab.participant("bob", engine="livekit", options={"relay_only": True})
carol = lab.participant("carol", engine="livekit")
room = lab.room(alice, bob, carol, server=stage.server)
await stage.open(room)

# %%
run = await stage.record("turn-livekit", room, 4)
run

# %% [markdown]
# ### The proof
#
# ICE has agreed on one pair of addresses for each. `relay` in bob's row is the proof. carol has no
# such word: *prflx* is an address that the other side saw, *host* one of the machine's own.

# %%
found = run.events[run.events["name"] == "nominated_pair"].set_index("peer")["detail"]
pd.DataFrame(found.map(json.loads).to_dict()).T[["local", "remote"]]

# %% [markdown]
# Is bob slower? The SDK tells its round trip in whole milliseconds.

# %%
trips = run.samples[run.samples["name"] == "rtt_ms"]
rtt_ms = trips.groupby("peer")["value"].median()
rtt_ms

# %%
guess.compare(rtt_ms["bob"] - rtt_ms["carol"])

# %% [markdown]
# On one computer the detour costs less than can be told. So latency proves nothing here: a call
# that was meant to be relayed and is not looks just the same. The candidate's type tells.
#
# In the world outside, the detour is the way to the TURN server and on: put it near your users.
#
# ### coturn
#
# [coturn](https://github.com/coturn/coturn) is the TURN server that most others use. The lab starts
# its program on loopback, with a secret that it shares with a second LiveKit server. Where coturn
# is not installed, the cell says so and shows what was recorded.


# %%
async def usage(relay):
    for _again in range(50):  # it sums up a moment after bob has left
        await asyncio.sleep(0.1)
        if found := relay.log("peer usage"):
            return [line.split(">, ")[-1] for line in found]
    return []


# %%
async def by_coturn():
    async with rooms.coturn() as relay, lab.livekit(turn=relay, own=True) as server:
        async with lab.room(alice, bob, server=server) as there:
            await asyncio.sleep(2)
            pair = await there.ask("bob", lambda peer: peer.nominated_pair())
        return {**pair, "its ports": str(relay.config.relay_ports), "its log": await usage(relay)}


# %%
await stage.play(by_coturn)

# %% [markdown]
# The relay's own book agrees: `rp` and `rb` are packets and bytes that came for bob, `sp` and `sb`
# those that he sent. It has carried every one of them and could read none: media are encrypted with
# keys that bob and the LiveKit server agreed on through it (DTLS, then SRTP).
#
# What it does see: who speaks to whom, when, and how much.
#
# ### No relay
#
# A server without TURN, and bob still insists. The SDK itself would wait for 60 seconds, without a
# word. The lab asks for no more than 10, and here for 4.

# %%
stubborn = {"relay_only": True, "connect_timeout_s": 4}
lonely = lab.participant("bob", engine="livekit", options=stubborn)


# %%
async def without():
    async with lab.livekit(own=True) as server:
        try:
            await lab.room(lonely, server=server).start()
        except lab.LabError as error:
            return str(error)


# %%
await stage.play(without)

# %% [markdown]
# The signaling worked, for it is TCP. Only the media found no way. An app that says “connecting …”
# for a minute looks broken: set a limit of your own, and say what is wrong.
#
# ## Food for thought
#
# - All media of a relayed call pass the TURN server twice, in and out. Who pays, and for how many
#   of your users? (Measure it: count the pairs with `relay` in them.)
# - A firewall that knows only web pages lets TCP 443 through. What would TURN over TLS look like to
#   it, and what becomes of the latency when a packet is lost?
# - LiveKit's TURN refuses to relay to its own machine unless `allow_restricted_peer_cidrs` says so.
#   What could a stranger reach through a relay that does not refuse?
# - An SFU with a public address is itself in reach of most clients. When does one still need TURN?
#
# ## Troubleshooting
#
# - **“There is no coturn on this machine”**: on Debian and Ubuntu `apt-get install coturn`, on
#   macOS `brew install coturn`; there is none for Windows. The lab never uses the system's service.
# - **“Only a relay may be used, and none was found”**: that is the last experiment. Elsewhere it
#   means that the server knows no TURN server, or that it does not answer.
# - **“bob's links cannot be bent”**: he goes round the lab's relay. Bend alice's.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# Back to [09 · Rooms](../09-rooms.ipynb).
