# %% [markdown]
# # End-to-end encryption: what a wrong key looks like
#
# **You will** encrypt alice's pictures so that even the server cannot see them, and look at them
# with the right key, with a wrong one, and with none.
#
# It takes about ten minutes. It goes on from [09 · Rooms](../09-rooms.ipynb), which tells what the
# server, `stage` and `room.ask` are.

# %%
import asyncio

import labkit as lab
from labkit import rooms

# %% [markdown]
# If there is no server, this cell says why, and you see what was recorded:
# `../data/encryption-scenes.json` and `../data/encryption-keys.run`.

# %%
stage = await rooms.stage("../data/encryption-scenes.json")
stage

# %% [markdown]
# WebRTC always encrypts, but only from one machine to the next: from alice to the server, and from
# the server to bob. On the server itself the pictures are open. With **end-to-end encryption** the
# app encrypts each frame once more, with a key that the server does not have. The server passes on
# what it cannot read.
#
# ## Predict
#
# bob has alice's key, carol another one, dora none. Four seconds are recorded, at 15 pictures a
# second.

# %%
guess = lab.predict("How many pictures of alice does carol see?", unit="pictures")
guess

# %% [markdown]
# ## Run it, be surprised


# %%
def with_key(name, key=None, **options):
    chosen = {"encryption_key": key} if key else {}
    return lab.participant(name, engine="livekit", options=chosen, **options)


# %%
small = lab.TestPattern(320, 240, fps=15)
alice = with_key("alice", "apple", video=small)
others = [with_key("bob", "apple"), with_key("carol", "pear"), with_key("dora")]
room = lab.room(alice, *others, server=stage.server)
await stage.open(room)

# %%
run = await stage.record("encryption-keys", room, 4)

# %% [markdown]
# What did each of them get? The SDK counts from the moment of joining:
#
# - *packets_received* and *frames_decoded*: what arrived, and what became a picture.
# - *unreadable*: pictures in which the lab could not read the number that alice draws into each.
# - *plis*: how often a new key frame was asked for (picture loss indications).

# %%
wanted = ["packets_received", "frames_decoded", "unreadable", "plis"]
samples = run.samples[run.samples["name"].isin(wanted) & (run.samples["peer"] != "alice")]
last = samples.sort_values("at_s").groupby(["peer", "name"])["value"].last().unstack()
last[wanted]

# %%
guess.compare(last.loc["carol", "frames_decoded"])

# %% [markdown]
# All three get packets. bob sees pictures. carol sees none. dora sees at most a few, and they are
# garbage: her decoder was given encrypted bytes, and took some of them for a picture. Both ask for
# a new key frame again and again: they think that something was lost.
#
# And what was carol's app told?

# %%
names = ["e2ee_state_changed", "packets_without_pictures"]
told = run.events[run.events["name"].isin(names)]
told[["at_s", "peer", "name", "detail"]].round(2)

# %% [markdown]
# bob is told that all is well. carol is told **nothing**: from this SDK comes no event for a wrong
# key. (*packets_without_pictures* is an event of the lab: packets come and no picture does.) So
# carol's app must watch whether pictures come. Do so with other SDKs as well, even if one has an
# event for it (LiveKit's for JavaScript has *EncryptionError*).
#
# ### Data, too
#
# alice sends “hello” to all.


# %%
def listen(peer):
    peer.heard = []
    peer.room.on("data_received", lambda packet: peer.heard.append(packet.data.decode()))


async def hello(peer):
    await peer.room.local_participant.publish_data("hello", topic="greeting")


# %%
async def greeting():
    names = ["bob", "carol", "dora"]
    for name in names:
        await room.ask(name, listen)
    await room.ask("alice", hello)
    await asyncio.sleep(0.5)
    return {name: await room.ask(name, lambda peer: peer.heard) for name in names}


await stage.play(greeting)

# %% [markdown]
# Data is encrypted as well. And again nobody is told that something came and could not be opened.
#
# ### What stays visible
#
# The server must know where packets go, and which frame is a key frame. So it still sees who is in
# the room, when somebody speaks, how large each frame is, and which codec it has. Metadata and
# attributes are not encrypted at all. Here is a part of what it can tell about alice's picture:


# %%
async def seen_by_the_server(livekit):
    from livekit import api

    asked = api.ListParticipantsRequest(room=room.name)
    found = (await livekit.room.list_participants(asked)).participants
    tracks = [(one.identity, track) for one in found for track in one.tracks]
    return [[who, one.name, one.width, one.height, str(one.encryption)] for who, one in tracks]


await stage.play(seen_by_the_server)

# %% [markdown]
# Whose it is, its name, its size. The last number is the kind of encryption: 1 is GCM (a way to use
# AES), 0 would be none. The server knows that much.
#
# ## Food for thought
#
# - The key must reach bob, and must not pass the server. Which ways do you know?
# - A recording on the server gets encrypted frames. What must a service do that promises both,
#   recordings and end-to-end encryption?
# - Would you tell carol “wrong key”, or try the next one by yourself?
#
# ## Troubleshooting
#
# - **bob sees nothing either**: his key is not the same text as alice's.
# - **Somebody is missing in the table**: the recording was too short. Run its cell again.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# [Reconnection](09-reconnection.ipynb), or back to [09 · Rooms](../09-rooms.ipynb).
