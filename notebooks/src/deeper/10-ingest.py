# %% [markdown]
# # Into a room by WHIP, and out of it as a film
#
# **You will** publish into a room with one HTTP request, and leave it with another. You will see
# that the server passes your codec on as it is. And you will record what is said in the room, as a
# film.
#
# It takes about 20 minutes. It goes on from [09 · Rooms](../09-rooms.ipynb).

# %%
import asyncio
from pathlib import Path

import pandas as pd

import labkit as lab
from labkit import rooms
from labkit.media import film_facts
from labkit.signaling.whip import WhipClient, WhipError

# %% [markdown]
# Where no server can be had, this cell says why, and what was recorded is shown:
# `../data/ingest-scenes.json`.

# %%
stage = await rooms.stage("../data/ingest-scenes.json")
stage

# %% [markdown]
# *Ingest* means: media come into a room from something that has not the room's app. That may be a
# studio camera, a drone, or OBS, a program for streaming. **WHIP**
# ([RFC 9725](https://www.rfc-editor.org/rfc/rfc9725)) is one way: WebRTC's offer and answer are
# exchanged in one HTTP request.
#
# ## Predict
#
# alice publishes by WHIP into two rooms: VP8 into the first, H.264 into the second. bob watches.

# %%
guess = lab.predict("In how many of the two does bob get another codec?", unit="rooms")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Step 1: an offer
#
# alice is a plain aiortc peer. Her offer says what she wants to send, how it may be encoded, and
# where she can be reached. These are the lines that count:

# %%
camera = lab.TestPattern(320, 240, fps=15)
alice = lab.peer("alice", other="sfu", video=camera, codec="h264")


# %%
async def offer():
    await alice.open()
    lines = (await alice.create_offer()).splitlines()
    wanted = ("m=", "a=rtpmap", "a=sendonly", "a=candidate")
    return [line for line in lines if line.startswith(wanted)]


await stage.play(offer)

# %% [markdown]
# - `m=video`: she offers one stream of pictures, and only sends (`sendonly`).
# - `a=rtpmap`: each number stands for a format. `rtx` is H.264 sent a second time, after a loss.
# - `a=candidate`: an address at which she can be reached, here one of this machine (`host`).
#
# ### Step 2: POST
#
# The offer is the body of an HTTP request, and the room's token goes with it in a header. The
# server replies “201 Created” with its answer. Two headers are for later: **Location** is the
# address of alice's session, and **ETag** names its state, for when she has to tell of a new
# network.


# %%
def door(token):
    return WhipClient(f"{stage.server.http_url}/whip/v1", token)


def codecs_in(answer):
    return [line for line in answer.splitlines() if line.startswith("a=rtpmap")]


# %%
async def post():
    global whip
    whip = door(lab.room_token(stage.server, "alice", "studio"))
    answer = await whip.offer(alice.pc.localDescription.sdp)
    await alice.set_answer(answer)
    return {"location": whip.location, "etag": whip.etag, "answer": codecs_in(answer)}


# %%
await stage.play(post)

# %% [markdown]
# ### Step 3: what the room sees
#
# For all others alice is a participant like any other.


# %%
async def listed(livekit):
    from livekit import api

    found = await livekit.room.list_participants(api.ListParticipantsRequest(room="studio"))
    tracks = [(one.identity, track) for one in found.participants for track in one.tracks]
    source = api.TrackSource.Name
    return [[who, t.name, source(t.source), t.mime_type, t.width] for who, t in tracks]


# %%
async def people(livekit):
    await asyncio.sleep(1)
    return await listed(livekit)


columns = ["who", "track", "source", "codec", "width"]
pd.DataFrame(await stage.play(people), columns=columns)

# %% [markdown]
# The server made up the track's name, and took the source for a camera. The width is 0, since WHIP
# does not tell it. If your app lays out its page by these values, expect that.
#
# ### Step 4: DELETE
#
# To leave, alice sends DELETE to her Location. Without it the server would notice only after a
# while that nothing comes any more.


# %%
async def leave(livekit):
    await whip.close()
    await alice.close()
    await asyncio.sleep(0.5)
    return {"still there": await listed(livekit)}


await stage.play(leave)

# %% [markdown]
# ### A wrong token
#
# mallory knows the *name* of the server's key, but not the secret. She has signed her token with
# one that she made up.

# %%
guessed = rooms.ServerAddress("ws://127.0.0.1", "labkey", api_secret="m" * 32)
token = lab.room_token(guessed, "mallory", "studio")


# %%
async def forged():
    async with lab.peer("mallory", video=camera) as mallory, door(token) as knocking:
        try:
            await knocking.offer(await mallory.create_offer())
        except WhipError as error:
            return [error.status, str(error)]


# %%
await stage.play(forged)

# %% [markdown]
# 401, and nothing else has happened: no session, no media.
#
# ### What the viewer gets
#
# Now the two rooms of your guess. bob uses LiveKit's SDK, and its statistics say which codec
# arrives.


# %%
async def arriving(peer):
    stats = await peer.room.get_rtc_stats()
    every = [*stats.publisher_stats, *stats.subscriber_stats]
    incoming = [one.inbound_rtp for one in every if one.HasField("inbound_rtp")]
    names = {one.codec.rtc.id: one.codec.codec.mime_type for one in every if one.HasField("codec")}
    return [names.get(one.stream.codec_id, "?") for one in incoming]


# %%
async def codecs():
    told, bob = {}, lab.participant("bob", engine="livekit")
    for codec in ("vp8", "h264"):
        sender = lab.participant("alice", video=camera, codec=codec)
        async with lab.room(sender, bob, server=stage.server) as room:
            await asyncio.sleep(1.5)
            told[codec] = await room.ask("bob", arriving)
    return told


# %%
got = await stage.play(codecs)
got

# %%
guess.compare(sum(codecs != [f"video/{sent.upper()}"] for sent, codecs in got.items()))

# %% [markdown]
# bob gets what alice sends: an SFU never decodes a picture. So a viewer without H.264 sees nothing
# of the second room, however good his network is. The publisher decides.
#
# LiveKit's [Ingress](https://github.com/livekit/ingress) can decode and encode anew. It does so
# with RTMP and with files, and publishes simulcast layers; what comes by WHIP it passes on as it
# is, unless it is told otherwise. It is a service of its own that needs Redis and GStreamer,
# and is not run here.
#
# ### A recorder
#
# A recorder is a participant, too: it subscribes, decodes, encodes and writes. This one is
# *hidden*, a right in its token: nobody is told of it. It writes two kinds of film. **MP4** is one
# file, complete when the call is over. **HLS** is many small files and a playlist, so a player can
# begin while the call still runs.

# %%
folder = Path("../runs").resolve()
film = lab.Film(mp4=folder / "talk.mp4", hls=folder / "talk")
hidden = {"hidden": True, "recorder": True}
recorder = lab.participant("recorder", film=film, grants=hidden)


# %%
async def filmed():
    speaker = lab.participant("alice", video=camera, audio=lab.Speech(), codec="h264")
    async with lab.room(speaker, recorder, server=stage.server):
        await asyncio.sleep(5.5)
    playlist = (film.hls / "film.m3u8").read_text().splitlines()
    return {"MP4": film_facts(film.mp4), "HLS": film_facts(film.hls / "film.m3u8")}, playlist


# %%
facts, playlist = await stage.play(filmed)
facts

# %% [markdown]
# A *key frame* is a whole picture that needs no other one. There is one every two seconds or so. A
# player can start there, and there HLS cuts its files. The playlist names them, with how many
# seconds each lasts:

# %%
print(*playlist, sep="\n")

# %% [markdown]
# The last line came when the room was closed. Until then a player asks for the list again and
# again. Here is a picture of the film, with the number that alice had drawn into it.


# %%
def picture(at_s):
    import av

    with av.open(str(film.mp4)) as file:
        return next(f for f in file.decode(video=0) if f.time >= at_s).to_image()


# %%
picture(3) if stage.server else "There is no film without a server."

# %% [markdown]
# LiveKit's [Egress](https://github.com/livekit/egress) is this recorder grown up. It opens a page
# that shows the whole room, in a Chrome without a window, or it takes single tracks. It writes MP4
# or HLS, or sends RTMP. It, too, is a service of its own, and not run here.
#
# ## Food for thought
#
# - The recorder was hidden. What do people have a right to know, and who has to tell them?
# - Kill the recorder's process in the middle. The MP4 cannot be played: its table of contents is
#   written last. What is left of the HLS?
# - Sound and pictures are put together here by the moment at which the first of each arrived. What
#   is wrong if the first picture took longer than the first sound? By how much?
# - An HLS viewer sees what happened some seconds ago. What makes it so, and when is that fine?
# - A browser can publish by WHIP as well: the shorter exam of [11 · Flutter](../11-flutter.ipynb)
#   is such a page.
#
# ## Troubleshooting
#
# - **“This WHIP session has begun already”**: start again from the cell that makes alice.
# - **“The film … cannot be read”**: it is not finished. Its room has to be closed first.
# - **A viewer elsewhere shows no picture**: its browser may lack H.264. Send VP8.
#
# ## Clean up
#
# The film stays in `runs/`.

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# Back to [10 · Mesh and SFU](../10-mesh-and-sfu.ipynb), or on to an app:
# [11 · Flutter](../11-flutter.ipynb).
