# %% [markdown]
# # Streams and data tracks
#
# **You will** send a long text, a file and 50 positions of a cursor a second, and see what LiveKit
# makes of each, and where each of them ends.
#
# It takes about ten minutes. It goes on from [09 · Rooms](../09-rooms.ipynb).

# %%
import asyncio

import pandas as pd

import labkit as lab
from labkit import rooms
from labkit.peers.sdkstreams import collect_frames, collect_streams, send_frames, wait_for_streams

# %% [markdown]
# Where no server can be had, this cell says why, and what was recorded is shown:
# `../data/streams-scenes.json`.

# %%
stage = await rooms.stage("../data/streams-scenes.json")
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
# A *data packet* (chapter 09) has a limit: 64,000 bytes. A **byte stream** has none: it is cut into
# pieces. A file of 200,000 bytes is sent.

# %%
guess = lab.predict("Into how many pieces is the file cut?", unit="pieces")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Too large for a packet


# %%
async def send_large(peer):
    try:
        await peer.room.local_participant.publish_data(bytes(70_000), topic="large")
    except Exception as error:
        return str(error)


# %%
async def too_large():
    return await room.ask("alice", send_large)


await stage.play(too_large)

# %% [markdown]
# At least it says so, and does not drop it in silence.
#
# ### Text streams and byte streams
#
# A receiver registers a handler for a topic. It is called when a stream *begins*, with a reader;
# the pieces come one by one. `collect_streams` does that for bob, and counts the pieces.
#
# alice sends a short text, a text word by word (as from somebody who types, or from a language
# model), a text of a million letters, and a file.


# %%
async def send_texts(peer):
    me = peer.room.local_participant
    await me.send_text("hello", topic="chat")
    await type_slowly(await me.stream_text(topic="chat"))
    await me.send_text("x" * 1_000_000, topic="chat")


# %%
async def type_slowly(writer):
    for word in ("one ", "two ", "three "):
        await writer.write(word)
        await asyncio.sleep(0.1)
    await writer.aclose()


# %%
async def send_file(peer):
    me = peer.room.local_participant
    file = await me.stream_bytes("photo.jpg", total_size=200_000, topic="files")
    await file.write(bytes(200_000))
    await file.aclose()


# %%
async def streams():
    await room.ask("bob", collect_streams)
    await room.ask("alice", send_texts)
    await room.ask("alice", send_file)
    arrived = await room.ask("bob", lambda peer: wait_for_streams(peer, 4))
    return pd.DataFrame(arrived, columns=["stream", "pieces", "size", "complete_at_s"])


got = await stage.play(streams)
got.round(2)

# %%
guess.compare(got.set_index("stream").loc["photo.jpg", "pieces"])

# %% [markdown]
# A piece of the file has 15,000 bytes at most. The text of a million letters arrived as one piece,
# though it was far larger than a packet: text is compressed, and a million times the same letter is
# little. Try it with something that cannot be compressed.
#
# Streams are reliable and in order, and no more stored than packets are: who comes later misses
# them.
#
# ### A data track: lossy, many a second
#
# A **data track** is for positions, sensors, game states: published once, subscribed to like a
# camera, and nothing of it is sent again. Each frame carries a time, so its way can be measured.


# %%
async def positions():
    await room.ask("bob", collect_frames)
    refused = await room.ask("alice", lambda peer: send_frames(peer, 100, rate_hz=50))
    got = await room.ask("bob", collect_frames)
    p50_ms = sorted(got.transit_ms)[len(got.transit_ms) // 2]
    return {"sent": 100, "refused": refused, "arrived": got.frames, "p50_ms": round(p50_ms, 1)}


await stage.play(positions)

# %% [markdown]
# And what if alice sends as fast as she can, 1,000 frames of 1,000 bytes?


# %%
async def flood():
    before = (await room.ask("bob", collect_frames)).frames
    refused = await room.ask("alice", lambda peer: send_frames(peer, 1000, size_bytes=1000))
    arrived = (await room.ask("bob", collect_frames)).frames - before
    return {"sent": 1000, "refused": refused, "arrived": arrived}


await stage.play(flood)

# %% [markdown]
# Some are refused with an error, *queue full*; most of the others are dropped on the way without a
# word. A data track wants to be paced: as many a second as the eye needs.
#
# ## Which one for what?
#
# | what | reliable | limit | for |
# |---|---|---|---|
# | data packet, reliable | yes | 64,000 bytes | chat, raise hand, game moves |
# | data packet, lossy | no | 64,000 bytes, better below 1,200 | cursor, once in a while |
# | text stream | yes | none | long texts, word by word |
# | byte stream | yes | none | files, pictures |
# | remote call (RPC) | yes, with an answer | as text | “do this, and tell me” |
# | data track | no | pace it | positions, sensors, at a steady rate |
#
# ## Food for thought
#
# - Your app shows a progress bar for a file. Which number do you show: what was written, or what
#   the other one has read? Who tells it?
# - A teacher's pen draws a line by 60 positions a second. Which one would you take for the line
#   while it is drawn, and which for the finished one?
#
# ## Troubleshooting
#
# - **“3 of 4 streams arrived …”**: the machine is overloaded; run the cell again.
# - **`IndexError` in `positions`**: bob had not subscribed yet. Run its cell again.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# [End-to-end encryption](09-encryption.ipynb), or back to [09 · Rooms](../09-rooms.ipynb).
