# %% [markdown]
# # LiveKit: rooms, tokens, rights
#
# **You will** start a real LiveKit server on this computer, let alice and bob meet in a room, and
# read what they say to the server. You will try who may do what. And you will send data, with
# loss and without.
#
# It takes about 20 minutes. You need no camera, no account and no internet, but for the first time:
# the server is built then, which takes about two minutes.
# [00 · Start here](00-start.ipynb) explains cells and runs.

# %%
import asyncio

import pandas as pd
from livekit import api

import labkit as lab
from labkit import plots, rooms

pd.set_option("display.max_colwidth", 100)

# %% [markdown]
# The server: found, or built from its checked source. Where neither can be done, this cell says
# why, and the chapter shows what was recorded on another machine: `data/rooms-scenes.json`,
# `data/rooms-call.run` and `data/rooms-both.run`.

# %%
stage = await rooms.stage("data/rooms-scenes.json")
stage

# %% [markdown]
# One program and no installation: that is a whole LiveKit server. It listens on this computer
# alone, with a secret of its own that it made up a moment ago.
#
# ## Predict
#
# An app gets a **token**: a signed slip that says who it is and which room it may enter. The one
# who signs is your **backend**: it has the *API secret*. Twelve functions of a room will be tried,
# each with the usual token of an app:
#
# connect, publish a camera, subscribe, send data, set own attributes, create a room, list
# participants, mute another, un-mute another, remove another, change another's rights, mint a
# token.

# %%
guess = lab.predict("How many of the twelve can an app do with its usual token?", unit="functions")
guess

# %% [markdown]
# And one more: 5 of 100 packets are lost in each direction. What is lost of *lossy* messages that
# must go there and back?

# %%
loss_guess = lab.predict("How many of 100 lossy messages get no answer?", unit="messages")
loss_guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Create
#
# A **scene** is a function that is played on the server. This one does what only a backend can:
# it creates a room for two.


# %%
async def create(livekit):
    wanted = api.CreateRoomRequest(name="two", max_participants=2, empty_timeout=3600)
    made = await livekit.room.create_room(wanted)
    return {"name": made.name, "most": made.max_participants, "in it": made.num_participants}


await stage.play(create)

# %% [markdown]
# ### Connect
#
# alice and bob use LiveKit's own SDK, as an app does. alice publishes a picture; bob subscribes by
# himself. Between each of them and the server the lab has put a proxy, which notes what is said.

# %%
small = lab.TestPattern(320, 240, fps=15)
alice = lab.participant("alice", engine="livekit", video=small)
bob = lab.participant("bob", engine="livekit")
room = lab.room(alice, bob, server=stage.server, name="two", max_participants=2)
await stage.open(room)

# %%
run = await stage.record("rooms-call", room, 3)
run

# %% [markdown]
# ### Watch it
#
# The panel of a call works for a room, too. You look with bob's eyes. Bend alice's way up, and
# watch his latency. (Without a server of your own, the panel stays empty.)

# %%
room.show()

# %% [markdown]
# ### What goes over the WebSocket, message by message
#
# LiveKit's signaling is its own: protobuf messages over one WebSocket. Here is alice's half, from
# the first message on.

# %%
plots.plot_messages(run, "alice")

# %% [markdown]
# Read it from the top. The *join request* carries an offer already, and the server answers at once:
# one round trip, and the media connection is under way. *add_track* says what alice will publish,
# and *track_published* allows it. Because the connection has one section more now, there is a
# second *offer* and *answer*. *subscribed_quality_update* says which sizes somebody wants to see,
# *track_subscribed* that bob has it.
#
# What is inside? For example:

# %%
said = run.messages.set_index("name")["body"]
print(said["add_track"][:260])

# %% [markdown]
# Sound and pictures do not go over the WebSocket. They go by UDP to the server, and from there to
# bob. ICE has agreed on one pair of addresses for each participant:

# %%
pairs = run.events[run.events["name"] == "nominated_pair"]
dict(zip(pairs["peer"], pairs["detail"], strict=True))

# %% [markdown]
# Each pair has the server at its far end. (Here it is the lab's link, which stands in front of the
# server.) There is no pair of alice and bob: LiveKit has no peer to peer.
#
# ### Events that are not emitted for those already there
#
# Who was told of whom? Look for bob's event about alice.

# %%
told = run.events[run.events["name"].isin(["joined", "participant_connected", "track_subscribed"])]
told[["at_s", "peer", "name", "detail"]]

# %% [markdown]
# There is none. alice was there when bob came: he finds her in `remote_participants` when he has
# joined, and no *participant_connected* ever comes for her. An app that only listens shows bob an
# empty room.
#
# alice was told of bob, but look at the time: up to three seconds late. The server is in no hurry
# with news of somebody who publishes nothing.
#
# ### The third one
#
# The room is for two, and both are in it. carol has a good token, and knocks. `room.ask` runs a
# function where bob lives, in the worker process: the SDK is native code, and must not take your
# notebook along when it falls.


# %%
async def third():
    from labkit.peers.sdkvisits import knock

    url, token = stage.server.url, lab.room_token(stage.server, "carol", "two")
    return await room.ask("bob", lambda peer: knock(url, token))


await stage.play(third)

# %% [markdown]
# *500 Internal Server Error*, and no word of “full”. The app cannot know. But the backend can ask:


# %%
async def seats(livekit):
    found = await rooms.room_seats(livekit, "two")
    return [str(found), f"full for carol: {found.full_for('carol')}"]


await stage.play(seats)

# %% [markdown]
# So let your backend look *before* it signs, and say “full” in words. The lab's endpoint, further
# down, does.
#
# ### A token, read and forged
#
# A token has three parts: header, claims, signature. Anybody can read the claims: nothing in it is
# secret.


# %%
async def claims():
    token = lab.room_token(stage.server, "carol", "two", can_publish=False, max_participants=2)
    return lab.read_token(token).reset_index()


await stage.play(claims)

# %% [markdown]
# But nobody can change it. Seven tokens, as an attacker would make them, try to enter:


# %%
async def forged():
    from labkit.peers.sdkvisits import knock
    from labkit.rooms import forging

    server, url, answers = stage.server, stage.server.url, {}
    good = lab.room_token(server, "mallory", "lobby")
    tokens = {
        "more rights under the old signature": forging.more_rights_token(good, roomAdmin=True)
    }
    for name in ("wrong_secret", "foreign_key", "expired", "not_yet_valid", "unsigned"):
        tokens[name] = getattr(forging, f"{name}_token")(server, "mallory", "lobby")
    tokens["for another room"] = forging.other_room_token(server, "mallory", "lobby")
    for name, token in tokens.items():
        answers[name] = await room.ask("bob", lambda peer, token=token: knock(url, token))
    return pd.DataFrame(answers.items(), columns=["token", "the server says"])


forgeries = await stage.play(forged)
forgeries.assign(**{"the server says": forgeries["the server says"].str[-60:]})

# %% [markdown]
# The last one is no forgery: it is good, for another room. Its holder joins, and sits there alone.
# To connect *is* to join what the token names.
#
# ### Who may do it?
#
# Now the twelve functions, each on the real server, and each with four tokens:
#
# - *bare*: may join, nothing else.
# - *usual*: what an app gets.
# - *full*: may change its own attributes, too.
# - *backend*: what the backend signs for itself, to use the server's API.
#
# *Done* means that somebody else saw it happen. It takes about six seconds.


# %%
async def who_may():
    return await rooms.try_rights(stage.server)


rights = await stage.play(who_may)
rights

# %%
guess.compare((rights["usual"] == "done").sum())

# %% [markdown]
# Three kinds, in the column *who*: what every **client** can do, what a right in its **token**
# decides, and what the **backend** alone can do. One function nobody can do.
#
# Look at *silently ignored*: no error, no exception, and nothing happened. The function returned
# as if all were well. Who writes an app must check what came of it, not whether it threw.
#
# ### Auto-create, and the same room by both ways
#
# LiveKit has a second door: **WHIP** ([RFC 9725](https://www.rfc-editor.org/rfc/rfc9725)), one HTTP
# request with an offer, answered by an answer. Through it comes aiortc, without LiveKit's SDK. Here
# alice comes by the SDK and dora by WHIP. Nobody has created this room.

# %%
both = lab.room(alice, "dora", server=stage.server, name="both")
await stage.open(both)


# %%
async def two_rooms(livekit):
    return [str(await rooms.room_seats(livekit, name)) for name in ("two", "both")]


await stage.play(two_rooms)

# %% [markdown]
# A room that was made by joining has no limit, unless the token brings one along.

# %%
mixed = await stage.record("rooms-both", both, 3)
mixed.peers[["peer", "engine", "place"]]

# %%
whip = mixed.messages[mixed.messages["channel"] == "signaling (WHIP)"]
whip[["at_s", "sender", "receiver", "name", "size_bytes"]]

# %% [markdown]
# Two messages, and dora sees alice's pictures. What WHIP lacks is everything else of this chapter:
# no list of the others, no events, no data.

# %%
await both.close()

# %% [markdown]
# ### The list, attributes and metadata
#
# Everybody in a room may carry *attributes* (small texts by name) and *metadata* (one text), which
# all others can read. First alice sets her own; then the backend does it for her.


# %%
async def attributes(livekit):
    mine = {"hand": "up"}
    await room.ask("alice", lambda peer: peer.room.local_participant.set_attributes(mine))
    await asyncio.sleep(0.3)
    before = await people(livekit)
    wanted = {"room": "two", "identity": "alice", "attributes": mine, "metadata": "table 3"}
    await livekit.room.update_participant(api.UpdateParticipantRequest(**wanted))
    return pd.DataFrame([*before, *await people(livekit)], index=None)


async def people(livekit):
    found = await livekit.room.list_participants(api.ListParticipantsRequest(room="two"))
    names = ["identity", "attributes", "metadata", "tracks"]
    values = (
        [p.identity, str(dict(p.attributes)), p.metadata, len(p.tracks)] for p in found.participants
    )
    return [dict(zip(names, own, strict=True)) for own in values]


await stage.play(attributes)

# %% [markdown]
# The upper half is after alice's own try: nothing, and no error either. Her token lacks
# `can_update_own_metadata`. The lower half is after the backend's.
#
# ### Mute, and why not un-mute
#
# How many pictures does bob get in a second, before and after the backend mutes alice's camera?


# %%
async def pictures():
    """Return how many pictures bob gets in one second, once things have settled."""
    await asyncio.sleep(0.5)
    before = await room.ask("bob", lambda peer: peer.receivers[0].delivered)
    await asyncio.sleep(1)
    return await room.ask("bob", lambda peer: peer.receivers[0].delivered) - before


# %%
async def mute(livekit):
    everybody = await livekit.room.list_participants(api.ListParticipantsRequest(room="two"))
    (sid,) = [track.sid for one in everybody.participants for track in one.tracks]
    wanted = {"room": "two", "identity": "alice", "track_sid": sid}
    told = {"before": await pictures()}
    await livekit.room.mute_published_track(api.MuteRoomTrackRequest(**wanted, muted=True))
    told["muted"] = await pictures()
    try:
        await livekit.room.mute_published_track(api.MuteRoomTrackRequest(**wanted, muted=False))
    except api.ServerError as error:
        told["un-mute"] = f"{error.status} {error.message}"
    await room.ask("alice", unmute_myself)
    return told | {"un-muted by alice": await pictures()}


def unmute_myself(peer):
    for publication in peer.room.local_participant.track_publications.values():
        publication.track.unmute()


await stage.play(mute)

# %% [markdown]
# Muting works, un-muting is refused, to the backend too: nobody may switch on somebody else's
# camera or microphone. alice herself can. (A server can be set to allow it; then the app must ask
# its user.)
#
# ### Rights, changed while the call runs
#
# bob may no longer subscribe, and then he may again.


# %%
async def change_rights(livekit):
    told = {"before": await pictures()}
    for name, may in {"may not subscribe": False, "may again": True}.items():
        every = {"can_publish": True, "can_publish_data": True, "can_subscribe": may}
        wanted = {"room": "two", "identity": "bob", "permission": every}
        await livekit.room.update_participant(api.UpdateParticipantRequest(**wanted))
        told[name] = await pictures()
    return told


await stage.play(change_rights)

# %% [markdown]
# The call names *all* rights each time: it replaces them all. Who names one only takes the others
# away.
#
# ### Remove, and come back
#
# erin joins the lobby; the backend removes her; she knocks with the same token.


# %%
async def remove(livekit):
    from labkit.peers.sdkvisits import stay

    url, token = stage.server.url, lab.room_token(stage.server, "erin", "lobby")
    visit = asyncio.create_task(room.ask("bob", lambda peer: stay(url, token)))
    found = []
    while not any(one.state == api.ParticipantInfo.State.ACTIVE for one in found):
        await asyncio.sleep(0.05)
        asked = api.ListParticipantsRequest(room="lobby")
        found = (await livekit.room.list_participants(asked)).participants
    await livekit.room.remove_participant(
        api.RoomParticipantIdentity(room="lobby", identity="erin")
    )
    return await visit


await stage.play(remove)

# %% [markdown]
# She is in again: the server does not remember whom it sent away. A token holds until it expires.
# So give short ones, and let the backend remember.
#
# ### Data: delivery and round trip at 5 % loss
#
# alice sends bob 150 numbered messages, 50 a second, and bob sends each back. Before that his link
# begins to lose 5 % of all packets, in both directions. *Reliable* messages are sent again until
# they arrive; *lossy* ones are not.


# %%
def start_echo(peer):
    from labkit.peers.sdkdata import echo

    echo(peer)


async def series(peer, reliable):
    from labkit.peers.sdkdata import measure_data

    return await measure_data(peer, "bob", reliable=reliable, count=150, rate_hz=50)


# %%
def row(answers):
    known = [answers.channel, answers.sent, answers.answered]
    return [*known, answers.percentile(50), answers.percentile(95)]


COLUMNS = ["channel", "sent", "answered", "rtt_p50_ms", "rtt_p95_ms"]


# %%
async def data():
    await room.ask("bob", start_echo)
    room.set_link("bob", loss=0.05)
    reliable = await room.ask("alice", lambda peer: series(peer, reliable=True))
    lossy = await room.ask("alice", lambda peer: series(peer, reliable=False))
    return pd.DataFrame([row(reliable), row(lossy)], columns=COLUMNS)


sent = await stage.play(data)
sent.round(1)

# %%
lossy = sent.set_index("channel").loc["data lossy"]
loss_guess.compare(100 * (1 - lossy["answered"] / lossy["sent"]))

# %% [markdown]
# Both ways must succeed: 0.95 × 0.95 is 0.90, so about ten of a hundred get no answer. With 150
# messages luck moves that by some. The reliable ones all came, and paid with time: look at the p95.
# A lost one holds up those behind it, since they are handed over in order.
#
# Which is right? Chat and “raise hand”: reliable. A cursor's position, 50 times a second: lossy,
# for the next one makes up for the lost one.
#
# *Reliable* does not mean stored. Who joins later, or was away, gets nothing of it.
#
# ### Text and remote calls
#
# A text may be long: it is cut into packets and put together again. A **remote call** (RPC) waits
# for an answer, or an error. The link is clean again.


# %%
async def text_and_rpc(peer):
    from labkit.peers.sdkdata import measure_rpc, measure_text

    text = await measure_text(peer, "bob", count=20, size_bytes=20_000)
    return [text, await measure_rpc(peer, "bob", count=20)]


# %%
async def calls():
    await room.ask("bob", start_echo)
    room.set_link("bob", loss=0)
    found = await room.ask("alice", text_and_rpc)
    return pd.DataFrame([row(one) for one in found], columns=COLUMNS)


(await stage.play(calls)).round(1)

# %% [markdown]
# ### The token endpoint
#
# Who gives the app its token? Your backend, after the user has signed in. LiveKit's SDKs ask so: a
# POST with the ID token of Firebase, Supabase or another identity provider. The lab's endpoint
# checks it, and answers with a room token. Here is what such a request is:


# %%
async def ask(endpoint, id_token, room_name):
    import aiohttp

    headers = {"Authorization": f"Bearer {id_token}"}
    async with aiohttp.ClientSession() as session:
        wanted = {"room_name": room_name}
        async with session.post(endpoint.url, json=wanted, headers=headers) as answer:
            return await answer.json()


# %% [markdown]
# Two identity providers of the lab's own sign as Firebase and Supabase do, each in its own way
# (RS256 and ES256). Four tokens ask: two good ones, one that has expired, and one of a provider
# that the endpoint does not know. And the first user asks for the room that is full.


# %%
async def endpoint():
    async with lab.token_endpoint(stage.server, max_participants=2) as door:
        firebase, supabase = door.issuers
        id_tokens = [firebase.sign("carol"), supabase.sign("dave"), firebase.sign("eve", ttl_s=-60)]
        id_tokens.append(rooms.SupabaseIssuer("http://127.0.0.1:9").sign("mallory"))
        answers = [await ask(door, one, "lobby") for one in id_tokens]
        answers.append(await ask(door, firebase.sign("carol"), "two"))
        kinds = ["Firebase", "Supabase", "expired", "unknown provider", "full room"]
        return [[kind, answered(one)] for kind, one in zip(kinds, answers, strict=True)]


def answered(answer):
    if "participant_token" not in answer:
        return answer
    claims = lab.read_token(answer["participant_token"])["value"]
    return {"identity": claims["sub"], "room": claims["video.room"]}


await stage.play(endpoint)

# %% [markdown]
# The identity comes from the ID token, never from what the app says of itself. And the full room is
# said to be full, in words.
#
# ## Change one thing
#
# Give a listener his rights: he may join and listen to others, he may raise his hand (an attribute
# of his own), and nothing else. The names are those of `VideoGrants`; you have met most of them in
# the table of the claims (there they are written `canPublish`, here `can_publish`).


# %%
def listener_rights():
    """Return the rights of somebody who may listen and raise a hand, as a dictionary."""
    ### BEGIN SOLUTION
    nothing = {"can_publish": False, "can_publish_data": False}
    return {**nothing, "can_subscribe": True, "can_update_own_metadata": True}
    ### END SOLUTION


# %% tags=["needs-solution"]
async def listener():
    token = lab.room_token(stage.server, "lena", "lobby", **listener_rights())
    rights = lab.read_token(token)["value"].filter(like="video.")
    return rights.rename(lambda name: name.removeprefix("video.")).to_dict()


await stage.play(listener)

# %% [markdown]
# More to try: set the loss of `data` to 0.2, and guess the lossy row first. Send 5 a second instead
# of 50: what becomes of the reliable p95, and why?
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. Which of the twelve belong to the backend, and what would happen if an app could do them?**
# Here are yours:

# %%
rights.groupby("who")["function"].apply(list).to_dict()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Those that concern others or the room: create, list, mute, remove, change rights, mint a token.
# Who holds the API secret can do all of them, in every room, as anybody. So it is in no app:
# whoever unpacks the app has it.
#
# </details>
#
# **2. How does a room come into being?**
#
# <details><summary>Answer</summary>
#
# The backend creates it, or somebody joins with a good token and the server makes it (unless
# `auto_create` is off). Its limit comes from the backend in both cases: in the call, or signed
# inside the token.
#
# </details>
#
# **3. Your app calls `set_attributes`, gets no error, and nobody sees the raised hand. What do you
# look at first?**
#
# <details><summary>Answer</summary>
#
# At the token: `can_update_own_metadata` is off unless it is given. Then at what came of the call,
# for instance the event *participant_attributes_changed*.
#
# </details>
#
# **4. bob joined after alice and sees nobody. Why?** Your own run has the answer:

# %%
names = run.events.loc[run.events["peer"] == "bob", "name"]
names[names.str.contains("participant|joined|track")].tolist()

# %% [markdown]
# <details><summary>Answer</summary>
#
# His app waits for *participant_connected*. For alice none comes: she was there. First look at
# `remote_participants`, then listen.
#
# </details>
#
# ## Food for thought
#
# - The server says “500” when a room is full. Whom would you rather tell why, and whom not?
# - Muting somebody is allowed and un-muting is not. Which rules of your own would you add for a
#   lesson with 30 pupils?
# - The server dies now. What do alice and bob notice, and when? The chapter on reconnection
#   measures it.
#
# ## Troubleshooting
#
# - **“Recorded on …”**: there is no server. The first cell says why; `labkit livekit --build` in a
#   terminal builds it.
# - **“This room is running already”**: `await room.close()`, then run its cell again.
# - **The room “two” is not full**: its cell was run before, and the room is a new one. Run all
#   cells from the top.
# - **A cell waits for 20 s and then says “did not answer”**: the machine is overloaded. Run it
#   again.
#
# ## Clean up
#
# Closing ends the rooms, their processes and the server.

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# Deeper: [reconnection](deeper/09-reconnection.ipynb), [streams](deeper/09-streams.ipynb),
# [end-to-end encryption](deeper/09-encryption.ipynb). Or an app:
# [11 · Flutter](11-flutter.ipynb).
