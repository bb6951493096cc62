# %% [markdown]
# # TURN, and the proof of a relay
#
# **You will** let bob reach a room through a relay and in no other way: first by LiveKit's own TURN
# server, then by a well-known other one, coturn. You will prove that he did. Then you will take the
# relay away.
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
stage = await rooms.stage("../data/turn-scenes.json", turn=True, own=True)
stage

# %% [markdown]
# Two sides of a call look for a way to each other. Each lists addresses at which it might be
# reached, its *candidates*. **ICE** tries them in pairs and takes one pair that works.
#
# In some networks none works: they let packets out to a few addresses only. There a **TURN** server
# ([RFC 8656](https://www.rfc-editor.org/rfc/rfc8656)) at such an address helps. bob sends it every
# packet, and it passes each on from an address of its own. That one is bob's *relay candidate*.
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
# The server does, as soon as somebody comes with a good token. Here erin comes with one. She uses
# WHIP: one HTTP request, in which an app and the server exchange offer and answer.
# ([In by WHIP](10-ingest.ipynb) takes it apart.)


# %%
async def offered():
    token = lab.room_token(stage.server, "erin", "door")
    url = f"{stage.server.http_url}/whip/v1"
    async with lab.peer("erin", receives=("video",)) as erin, WhipClient(url, token) as whip:
        await whip.offer(await erin.create_offer())
        return [[one.url, one.credential is not None] for one in whip.ice_servers]


# %%
pd.DataFrame(await stage.play(offered), columns=["server", "with a password"])

# %% [markdown]
# The password is made for this participant, and holds for some minutes only. A TURN server that
# relays for everybody is soon found by everybody. (*STUN* needs no password: it only tells you how
# your address looks from outside.)
#
# ### bob by the relay, carol without
#
# `relay_only` allows bob relay candidates and no others. (In browsers it is called
# `iceTransportPolicy: "relay"`.) The lab's proxy, known from chapter 09, would hide TURN servers
# from him. So he joins without it, and his links cannot be bent.

# %%
alice = lab.participant("alice", video=lab.TestPattern(320, 240, fps=15))
bob = lab.participant("bob", engine="livekit", options={"relay_only": True})
carol = lab.participant("carol", engine="livekit")
room = lab.room(alice, bob, carol, server=stage.server)
await stage.open(room)

# %%
run = await stage.record("turn-livekit", room, 4)

# %% [markdown]
# ### The proof
#
# For each of them ICE has chosen one pair: an address here, and one of the server. Behind each
# address stands its kind. *host* is an address of the machine itself. *prflx* (peer reflexive) is
# one that the other side has seen. *relay* is one of a TURN server. Who has it?

# %%
found = run.events[run.events["name"] == "nominated_pair"].set_index("peer")["detail"]
pd.DataFrame(found.map(json.loads).to_dict()).T[["local", "remote"]]

# %% [markdown]
# Only bob has `relay`: that is the proof. Is he slower? This is the round trip of each, in ms.
# (LiveKit's SDK tells it to bob and carol in whole milliseconds, aiortc to alice more finely.)

# %%
trips = run.samples[run.samples["name"] == "rtt_ms"]
rtt_ms = trips.groupby("peer")["value"].median()
rtt_ms.round(1).to_frame("round trip (ms)")

# %%
guess.compare(rtt_ms["bob"] - rtt_ms["carol"])

# %% [markdown]
# On one computer the detour costs less than a whole millisecond can tell. So latency proves nothing
# here. A call that should have been relayed and was not would look the same. Only the candidate's
# kind tells.
#
# In the world outside, the detour is the way to the TURN server and on. So put it near your users.
#
# ### coturn
#
# [coturn](https://github.com/coturn/coturn) is a TURN server that many services use. The lab starts
# it on this machine, with a secret that a second LiveKit server knows too. That server makes the
# passwords from it. Where coturn is not installed, the last of these cells says so and shows what
# was recorded.
#
# When bob has left, coturn writes into its log what it carried for him. The first cell waits for
# that line.


# %%
async def usage(relay):
    for _again in range(50):
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
# `relay` again, and its port is one of coturn's. coturn's own log agrees: `rp` and `rb` are the
# packets and bytes that came for bob, `sp` and `sb` those that he sent.
#
# coturn has carried every packet of bob's and could read none. Media are encrypted, with keys that
# only bob and the LiveKit server know. What coturn does see: who speaks to whom, when, and how
# much.
#
# ### No relay
#
# Now a server without TURN, and bob still insists on a relay. How long should he try? Here he gives
# up after 4 s.

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
# The signaling worked: it goes over TCP, straight to the server. Only the media found no way. An
# app that says “connecting …” for a minute looks broken. So set a limit of your own, and say what
# is wrong.
#
# ## Food for thought
#
# - All media of a relayed call pass the TURN server twice, in and out. Who pays, and for how many
#   of your users? (Measure it: count the pairs with `relay` in them.)
# - A firewall that knows only web pages lets TCP 443 through. What would TURN over TLS look like to
#   it, and what becomes of the latency when a packet is lost?
# - LiveKit's TURN refuses to relay to its own machine, unless its settings allow it
#   (`allow_restricted_peer_cidrs`). What could a stranger reach through a relay that does not
#   refuse?
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
# Back to [10 · Mesh and SFU](../10-mesh-and-sfu.ipynb), or on to an app:
# [11 · Flutter](../11-flutter.ipynb).
