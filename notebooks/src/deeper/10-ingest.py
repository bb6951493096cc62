# %% [markdown]
# # Into a room by WHIP, and out of it as a film
#
# **You will** publish into a room with two HTTP requests, see that the server passes your codec on
# as it is, and write down what is said in the room as MP4 and as HLS.
#
# It takes about 20 minutes. It goes on from [09 · Rooms](../09-rooms.ipynb).

# %%
import asyncio
from pathlib import Path

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
# *Ingest* is how media come into a room that are no participant's app: a studio camera, OBS, a
# drone. **WHIP** ([RFC 9725](https://www.rfc-editor.org/rfc/rfc9725)) does it with WebRTC's offer
# and answer, in one HTTP request.
#
# ## Predict
#
# alice sends H.264 into the room, 15 pictures a second. Five people watch.

# %%
guess = lab.predict("How many pictures a second does the server decode?", unit="pictures")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Step 1: an offer
#
# alice is a plain aiortc peer. She has all candidates in her offer, since WHIP need not trickle.

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
# ### Step 2: POST
#
# The offer is the body of the request, the token its *Bearer*. Status 201 means “created”: what was
# created is alice's session, and **Location** is its address. The **ETag** names the present ICE
# session; a client that trickles or restarts ICE sends it along.


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


await stage.play(people)

# %% [markdown]
# The name of the track is made up by the server, and so is its source: from a video track it makes
# a camera. The width is 0, since WHIP does not tell it. An app that lays out its page by these
# values has to expect that.
#
# ### Step 4: DELETE
#
# Who leaves ends the session at its Location. Without it the server would notice when nothing has
# come for a while.


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
# mallory has signed his token himself, with the server's key and a secret that he made up.

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
# Now alice sends VP8, then H.264, and bob watches by LiveKit's SDK. Which codec does he decode?


# %%
async def codecs():
    told = {}
    for codec in ("vp8", "h264"):
        people = lab.participant("alice", video=camera, codec=codec), sdk_bob
        async with lab.room(*people, server=stage.server) as room:
            await asyncio.sleep(1.5)
            told[codec] = await room.ask("bob", decoded)
    return told


sdk_bob = lab.participant("bob", engine="livekit")


# %%
async def decoded(peer):
    stats = await peer.room.get_rtc_stats()
    every = [*stats.publisher_stats, *stats.subscriber_stats]
    incoming = [one.inbound_rtp for one in every if one.HasField("inbound_rtp")]
    names = {one.codec.rtc.id: one.codec.codec.mime_type for one in every if one.HasField("codec")}
    return [names.get(one.stream.codec_id, "?") for one in incoming]


# %%
await stage.play(codecs)

# %%
guess.compare(0)

# %% [markdown]
# bob gets what alice sends. An SFU never opens a picture; it has no codec at all. So one viewer
# without H.264 sees nothing, however good his network is. The choice is made by who publishes.
#
# LiveKit's [Ingress](https://github.com/livekit/ingress) is the program that would decode and
# encode anew: it takes RTMP, WHIP or a file and publishes simulcast layers. It is a service of its
# own that needs Redis and GStreamer, and is not run here.
#
# ### A recorder
#
# A recording is a participant, too: it subscribes, decodes, encodes and writes. This one joins by
# WHIP, *hidden*: nobody is told of it. A film in one file is **MP4**. **HLS** is many small files
# and a playlist; a player begins while the call still runs.

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
# The times are those of the media: a picture that came late is not shown late. A key frame stands
# every two seconds, for there a player can start, and there a segment is cut.

# %%
playlist

# %% [markdown]
# `#EXT-X-ENDLIST` came when the room was closed. Until then a player asks for the list again and
# again. Here is a picture of the film, with the number that alice had drawn into it.


# %%
def picture(at_s):
    import av

    with av.open(str(film.mp4)) as file:
        return next(f for f in file.decode(video=0) if f.time >= at_s).to_image()


# %%
picture(3) if stage.server else "There is no film without a server."

# %% [markdown]
# LiveKit's [Egress](https://github.com/livekit/egress) is this recorder grown up: it opens a page
# in a headless Chrome that shows the whole room, or takes single tracks, and writes MP4, HLS or
# RTMP. It, too, is a service of its own, and not run here.
#
# ## Food for thought
#
# - The recorder was hidden. What do people have a right to know, and who has to tell them?
# - Kill the recorder's process in the middle. The MP4 cannot be played: its table of contents is
#   written last. What is left of the HLS?
# - Sound and pictures are put together here by the moment at which the first of each arrived. What
#   is wrong by how much if the first picture took longer? What would RTCP's sender reports add?
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
# Back to [09 · Rooms](../09-rooms.ipynb).
