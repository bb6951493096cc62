# %% [markdown]
# # Streams and data tracks
#
# **You will** send a long text, a file, and the position of a mouse 50 times a second. You will see
# what LiveKit makes of each, and how much is too much.
#
# It takes about ten minutes. It goes on from [09 · Rooms](../09-rooms.ipynb), which tells what the
# server, `stage` and `room.ask` are.

# %%
import asyncio

import pandas as pd

import labkit as lab
from labkit import rooms
from labkit.peers.sdkstreams import collect_frames, collect_streams, send_frames, wait_for_streams

# %% [markdown]
# If there is no server, this cell says why, and you see what was recorded:
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
# A *data packet* (chapter 09) has a limit, which you will meet in a moment. A **byte stream** has
# none: it is cut into pieces. alice sends a file of 200,000 bytes.

# %%
guess = lab.predict("Into how many pieces is the file cut?", unit="pieces")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Too large for a packet
#
# First alice puts 70,000 bytes into one packet.


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
# The message names the limit, 64,000 bytes. At least there is an error: the packet is not dropped
# in silence.
#
# ### Text streams and byte streams
#
# Each stream has a *topic*, for instance `chat`. A receiver registers a function for a topic. It is
# called when a stream *begins*, and then reads piece by piece. `collect_streams` does that for bob,
# and counts the pieces.
#
# alice sends four streams: a short text, a text word by word (as if somebody typed it), a text of a
# million letters, and a file.


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
# Divide: the SDK cuts a file into pieces of 15,000 bytes at most. But the text of a million letters
# arrived as one piece, and it was far larger than a packet. The SDK compresses text, and a million
# times the same letter becomes very little. Try it with letters that differ.
#
# Streams are reliable and in order. Like packets, they are not stored: who comes later misses them.
#
# ### A data track: lossy, many a second
#
# A **data track** is for positions, sensors, game states. It is published and subscribed to like a
# camera, and what is lost is not sent again. Each message, here called a frame, carries the time at
# which it was sent. So its way can be measured: *p50_ms* is what half of them needed at most.


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
# Some were refused with an error, *queue full*. Most of the others were dropped on the way, without
# a word. So send as many a second as the eye needs, and not more.
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
# | data track | no | a steady, moderate rate | positions, sensors |
#
# Why below 1,200? IPv6 asks of every network to carry packets of 1,280 bytes, headers included
# ([RFC 8200, section 5](https://www.rfc-editor.org/rfc/rfc8200#section-5)). What is larger is cut
# up, and a lossy message is lost with any of its pieces.
#
# ## Food for thought
#
# - Your app shows a progress bar for a file. Which number do you show: what was written, or what
#   the other one has read? Who tells it?
# - A teacher's pen draws a line, 60 positions a second. Which kind would you take for the line
#   while it is drawn, and which for the finished one?
#
# ## Troubleshooting
#
# - **“3 of 4 streams arrived …”**: the computer is too busy. Run the cell again.
# - **`IndexError` in `positions`**: bob had not subscribed yet. Run its cell again.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# [End-to-end encryption](09-encryption.ipynb), or back to [09 · Rooms](../09-rooms.ipynb).
