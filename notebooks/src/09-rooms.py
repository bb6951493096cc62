# %% [markdown]
# # LiveKit: rooms, tokens, rights
#
# **You will** start a real LiveKit server on this computer and let alice and bob meet in a room.
# You will read what they say to the server, try who may do what, and send data over a link that
# loses packets.
#
# **LiveKit** is open-source software for calls with several people. It has two halves. The *server*
# stands in the middle: it takes each person's pictures once and passes them on to the others (such
# a server is called an SFU). The *SDKs* are libraries: with one of them an app talks to the server.
#
# It takes about 25 minutes. You need no camera and no account. The first time you need internet:
# the server is built then, which takes about two minutes.
# [00 · Start here](00-start.ipynb) explains cells and runs.

# %%
import asyncio
import json

import pandas as pd
from livekit import api

import labkit as lab
from labkit import plots, rooms
from labkit.peers.sdkvisits import knock, stay

pd.set_option("display.max_colwidth", None)

# %% [markdown]
# The next cell starts the server. If it is not there yet, the cell builds it first, from source
# code whose checksum is known.
#
# If it cannot be built, the cell says why. The chapter then shows what was recorded on another
# machine: `data/rooms-scenes.json`, `data/rooms-call.run` and `data/rooms-both.run`.

# %%
stage = await rooms.stage("data/rooms-scenes.json")
stage

# %% [markdown]
# A whole LiveKit server is one program, and this one listens on your computer alone.
#
# ## Predict
#
# Who runs the server has an *API secret*. It lies in the **backend**: your own program on your own
# machine, which no user gets to see. An app gets a **token** instead: a signed slip that says who
# it is, which room it may enter, and what it may do there. The backend signs it with the secret.
#
# You will try twelve functions:
#
# - connect; publish a camera; subscribe (receive what others publish); send data;
# - set own attributes (short texts about oneself that all others can read);
# - create a room; list the participants;
# - mute another, un-mute another, remove another, change another's rights;
# - mint a token (make and sign one).

# %%
guess = lab.predict("How many of the twelve can an app do with a usual token?", unit="functions")
guess

# %% [markdown]
# And one more. A message can be *reliable*: what is lost is sent again. Or it is *lossy*: it is
# sent once. alice will send bob lossy messages, and bob sends each one back. His link loses 5 of
# 100 packets in each direction.

# %%
loss_guess = lab.predict("How many of 100 lossy messages get no answer?", unit="messages")
loss_guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Create
#
# In this chapter each step is an `async` function, a *scene*. `stage.play` runs it on the server
# (or shows what was recorded). The first scene does what only a backend can: it creates a room,
# for two.


# %%
async def create(livekit):
    wanted = api.CreateRoomRequest(name="two", max_participants=2, empty_timeout=3600)
    made = await livekit.room.create_room(wanted)
    return {"room": made.name, "seats": made.max_participants, "people": made.num_participants}


await stage.play(create)

# %% [markdown]
# ### Connect
#
# alice and bob use LiveKit's own SDK, as an app does. alice publishes a picture. bob receives it
# without asking: to subscribe to everything is the default.
#
# Between each of them and the server stands a *proxy* of the lab. It passes on what they say, and
# keeps a copy.

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
# This is the panel of [00 · Start here](00-start.ipynb), now for a room. You see what bob sees.
# Beside *Bend*, choose the link from alice to the server. Pull its *Delay* up, and watch bob's
# latency. Then press *Clean link*. (Without a server the panel stays empty.)

# %%
room.show()

# %% [markdown]
# ### What goes over the WebSocket, message by message
#
# Before media can flow, both sides must agree on it: that is *signaling*. WebRTC leaves open how.
# LiveKit opens a WebSocket and sends small binary messages (protobuf). Here are alice's, from the
# first one on. Time goes down; the arrows show who speaks. (*sfu* is the server.)

# %%
plots.plot_messages(run, "alice")

# %% [markdown]
# Read it from the top.
#
# 1. *join_request* brings an offer along, and the server answers at once. So one round trip is
#    enough for the media connection to begin.
# 2. *trickle*: an address at which one can be reached. They are sent one by one, as they are found.
# 3. *add_track*: alice says what she will publish. *track_published*: the server allows it.
# 4. A second *offer* and *answer*: the connection now has one more section, for the picture.
# 5. *subscribed_quality_update*: somebody wants to see it, in this size. *track_subscribed*: bob
#    has it.
#
# And this is what *add_track* says. Find the size of the picture, and where it comes from.

# %%
said = run.messages.set_index("name")["body"]
json.loads(said["add_track"])

# %% [markdown]
# Sound and pictures do not go over the WebSocket. They go by UDP to the server, and from there to
# bob. WebRTC's procedure for finding a way (ICE) has found one pair of addresses for each
# participant: its own (*local*) and the far one (*remote*).

# %%
pairs = run.events[run.events["name"] == "nominated_pair"].set_index("peer")["detail"]
pd.DataFrame(pairs.map(json.loads).to_dict()).T[["local", "remote"]]

# %% [markdown]
# Behind each address stands its kind. *host* is an address of the machine itself, *prflx* (peer
# reflexive) one that the other side has seen.
#
# There is no pair of alice and bob. At the far end of each pair is the server. (To be exact: the
# lab's link, which stands in front of it.) LiveKit has no peer to peer.
#
# ### No event for those already there
#
# The SDK tells an app what happens by *events*. *participant_connected* says: somebody came. Who
# was told of whom? Look for one of bob's that names alice.

# %%
told = run.events[run.events["name"].isin(["joined", "participant_connected"])]
told[["at_s", "peer", "name", "detail"]].round(2)

# %% [markdown]
# There is none. alice was in the room when bob came. He finds her in `remote_participants` after
# he has joined, and no event ever comes for her. An app that only listens shows bob an empty room.
#
# alice was told of bob. Compare the times: how long after he joined? The server collects news of
# people who publish nothing, and tells it every 3 seconds (*subscriberUpdateInterval* in
# [its source](https://github.com/livekit/livekit/blob/v1.13.5/pkg/rtc/room.go)).
#
# ### The third one
#
# The room is for two, and both are in it. carol has a good token, and tries to join.
#
# (`room.ask` runs a function in the process where alice and bob live. The SDK is native code: if
# it crashes, your notebook goes on.)


# %%
async def third():
    url, token = stage.server.url, lab.room_token(stage.server, "carol", "two")
    return await room.ask("bob", lambda peer: knock(url, token))


await stage.play(third)

# %% [markdown]
# *500 Internal Server Error*, and no word of “full”. carol's app cannot know why. But the backend
# can ask the server:


# %%
async def seats(livekit):
    found = await rooms.room_seats(livekit, "two")
    return [str(found), f"full for carol: {found.full_for('carol')}"]


await stage.play(seats)

# %% [markdown]
# So let your backend look *before* it signs a token, and say “full” in words.
#
# ### A token, read and forged
#
# Anybody can read a token: it is signed, not encrypted. What it says are its *claims*. Each row is
# one of them (the first two rows are the token's header).


# %%
async def claims():
    token = lab.room_token(stage.server, "carol", "two", can_publish=False, max_participants=2)
    return lab.read_token(token).reset_index()


await stage.play(claims)

# %% [markdown]
# Reading is easy, changing is not. mallory has seven tokens, six of them bad, and tries to enter
# with each. The end of each line says why she may not.


# %%
async def forged():
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
forgeries.replace({"^.*client error: ": "", "_": " "}, regex=True)

# %% [markdown]
# The last token is good, for another room. mallory joins that room and sits
# there alone. To connect *is* to join the room that the token names.
#
# ### Who may do it?
#
# Now the twelve functions. Each is tried on the real server with four tokens:
#
# - *bare*: may join, nothing else.
# - *usual*: what a backend gives out when it asks for nothing special.
# - *full*: the same, and it may change its own attributes.
# - *backend*: what the backend signs for itself, to use the server's API. It joins no room, so
#   some functions are not tried with it (–).
#
# *Done* means that somebody else saw it happen. The last column is what the server said to the
# usual token.


# %%
async def who_may():
    return await rooms.try_rights(stage.server)


rights = await stage.play(who_may)
rights

# %%
guess.compare((rights["usual"] == "done").sum())

# %% [markdown]
# The column *who* says what decides. *client*: any token will do. *token*: a right must be in it.
# *backend*: only the backend can. And one function *nobody* can do.
#
# Now look at *silently ignored*. Nothing happened, and no error came. Some functions return as if
# all were well. (Publishing waits for an answer that never comes; the SDK gives up after 10 s.) So
# an app must check what came of a call, not only whether it failed.
#
# ### Auto-create, and the same room by two ways
#
# LiveKit has a second entrance: **WHIP** ([RFC 9725](https://www.rfc-editor.org/rfc/rfc9725)). It
# is one HTTP request with an offer, and one response with the answer. It needs no SDK: aiortc, a
# WebRTC library for Python, can do it.
#
# Here alice comes by the SDK and dora by WHIP. Nobody has created the room “both”. (The first room
# goes on meanwhile, and the lab says so.)

# %%
both = lab.room(alice, "dora", server=stage.server, name="both")
await stage.open(both)


# %%
async def two_rooms(livekit):
    return [str(await rooms.room_seats(livekit, name)) for name in ("two", "both")]


await stage.play(two_rooms)

# %% [markdown]
# The server made “both” when the first one joined. Such a room has no limit, unless the token
# brings one along. (You saw one in the table of claims: *roomConfig.maxParticipants*.)

# %%
mixed = await stage.record("rooms-both", both, 3)
mixed.peers[["peer", "engine", "place"]]

# %%
whip = mixed.messages[mixed.messages["channel"] == "signaling (WHIP)"]
whip[["at_s", "sender", "receiver", "name", "size_bytes"]].round(2)

# %%
mixed.frames.groupby(["track", "receiver"])["decoded_s"].count().to_frame("pictures")

# %% [markdown]
# Two messages, and dora gets alice's pictures. The RFC is about sending only: to receive as well is
# an addition of LiveKit's. WHIP lacks everything else of this chapter: no list of the others, no
# events, no data.

# %%
await both.close()

# %% [markdown]
# ### The list, attributes and metadata
#
# Everybody in a room may carry *attributes* (small texts by name) and *metadata* (one text). alice
# raises her hand: first she sets the attribute herself, then the backend sets it for her. After
# each try the backend lists who is in the room.


# %%
async def people(livekit, name="two"):
    asked = api.ListParticipantsRequest(room=name)
    return (await livekit.room.list_participants(asked)).participants


async def listed(livekit, after):
    found = await people(livekit)
    return [[after, one.identity, str(dict(one.attributes)), one.metadata] for one in found]


# %%
async def attributes(livekit):
    hand = {"hand": "up"}
    await room.ask("alice", lambda peer: peer.room.local_participant.set_attributes(hand))
    await asyncio.sleep(0.3)
    rows = await listed(livekit, "alice's own try")
    wanted = {"room": "two", "identity": "alice", "attributes": hand, "metadata": "table 3"}
    await livekit.room.update_participant(api.UpdateParticipantRequest(**wanted))
    rows += await listed(livekit, "the backend's")
    return pd.DataFrame(rows, columns=["after", "identity", "attributes", "metadata"])


await stage.play(attributes)

# %% [markdown]
# alice's own try did nothing, and gave no error either: her token lacks `can_update_own_metadata`.
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
def unmute_myself(peer):
    for publication in peer.room.local_participant.track_publications.values():
        publication.track.unmute()


# %%
async def mute(livekit):
    (sid,) = [track.sid for one in await people(livekit) for track in one.tracks]
    camera = {"room": "two", "identity": "alice", "track_sid": sid}
    told = {"before": await pictures()}
    await livekit.room.mute_published_track(api.MuteRoomTrackRequest(**camera, muted=True))
    told["muted"] = await pictures()
    try:
        await livekit.room.mute_published_track(api.MuteRoomTrackRequest(**camera, muted=False))
    except api.ServerError as error:
        told["un-mute"] = f"{error.status} {error.message}"
    await room.ask("alice", unmute_myself)
    return told | {"un-muted by alice": await pictures()}


await stage.play(mute)

# %% [markdown]
# The backend may mute, and may not un-mute: nobody shall switch on somebody else's camera or
# microphone. alice herself can. (A server can be set to allow it: `enable_remote_unmute` in
# [its settings](https://github.com/livekit/livekit/blob/v1.13.5/pkg/config/config.go).)
#
# ### Rights, changed while the call runs
#
# bob may no longer subscribe, and then he may again. How many pictures does he get in a second?


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
# The scene names *all* rights each time, because a change replaces them all. If you name only one,
# the others are gone.
#
# ### Remove, and come back
#
# erin joins the lobby, the backend removes her, and she tries again with the same token.


# %%
async def remove(livekit):
    url, token = stage.server.url, lab.room_token(stage.server, "erin", "lobby")
    visit = asyncio.create_task(room.ask("bob", lambda peer: stay(url, token)))
    active, found = api.ParticipantInfo.State.ACTIVE, []
    while not visit.done() and not any(one.state == active for one in found):
        await asyncio.sleep(0.05)
        found = await people(livekit, "lobby")
    erin = api.RoomParticipantIdentity(room="lobby", identity="erin")
    await livekit.room.remove_participant(erin)
    return await visit


await stage.play(remove)

# %% [markdown]
# She is in again: the server does not remember whom it sent away. A token holds until it expires
# (*exp* in the table of claims). So give out short ones, and let the backend remember.
#
# ### Data: delivery and round trip at 5 % loss
#
# alice sends bob 150 numbered messages, 50 a second, and bob sends each one back. First all are
# *reliable*, then all are *lossy*. bob's link loses 5 % of the packets in both directions.
#
# Two small helpers: what bob does, and what alice does.


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

# %% [markdown]
# *rtt* is the round trip: from sending a message until its answer is there. Half of the answers
# came within *p50*, 95 of 100 within *p95*.

# %%
lossy = sent.set_index("channel").loc["data lossy"]
loss_guess.compare(100 * (1 - lossy["answered"] / lossy["sent"]))

# %% [markdown]
# Both ways must succeed: 0.95 × 0.95 is 0.90. So about ten of a hundred get no answer. With 150
# messages, luck makes that anything from 5 to 15 (the binomial distribution, 19 times in 20).
#
# The reliable ones all came, and paid with time: look at their p95. They are handed over in order,
# so a lost one holds up all those behind it.
#
# Which is right? Chat and “raise hand”: reliable. The position of a mouse, 50 times a second:
# lossy, for the next one makes up for the lost one.
#
# *Reliable* does not mean stored. Who joins later, or was away, gets nothing of it.
#
# ### Text and remote calls
#
# A *text* may be long: the SDK cuts it into pieces, and puts it together again.
# ([Streams](deeper/09-streams.ipynb) counts them.) A **remote call** (RPC) waits for an answer, or
# an error. alice tries 20 of each. The link is clean again.


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
# Each text has 20,000 letters. All are answered: texts and calls are reliable.
#
# ### The token endpoint
#
# Who gives the app its token? Your backend, after the user has signed in. Often the signing in is
# done by a service, an *identity provider*: Firebase and Supabase are two. It gives the app an
# *ID token*, which says who the user is. The app sends that to your backend by HTTP, and gets a
# room token back. The address where it asks is the **token endpoint**.
#
# The lab has one. This is how LiveKit's SDKs ask it:


# %%
async def ask(endpoint, id_token, room_name):
    import aiohttp

    who, wanted = {"Authorization": f"Bearer {id_token}"}, {"room_name": room_name}
    async with aiohttp.ClientSession() as session:
        async with session.post(endpoint.url, json=wanted, headers=who) as answer:
            return await answer.json()


# %% [markdown]
# The lab also plays two identity providers, which sign as Firebase and as Supabase do. Five
# requests come: two good ones, one with an expired ID token, one from a provider that the endpoint
# does not know, and one for the room that is full.


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


pd.DataFrame(await stage.play(endpoint), columns=["request", "the endpoint answers"])

# %% [markdown]
# The identity comes from the ID token, never from what the app says of itself. And whoever asks
# for the full room is told so, in words.
#
# ## Change one thing
#
# lena wants to listen. She may join, hear and see others, and raise her hand (an attribute of her
# own). She may do nothing else. Write her rights as a dictionary, for instance
# `{"can_subscribe": True}`. The other names are in the table of claims: what is `canPublish` there
# is `can_publish` here. One of them you met under *The list, attributes and metadata*. The second
# cell signs a token with them (a backend needs no server for that) and reads it.


# %%
def listener_rights():
    """Return the rights of somebody who may listen and raise a hand, as a dictionary."""
    ### BEGIN SOLUTION
    return {
        "can_publish": False,
        "can_publish_data": False,
        "can_subscribe": True,
        "can_update_own_metadata": True,
    }
    ### END SOLUTION


# %% tags=["needs-solution"]
backend = rooms.ServerAddress(
    "ws://127.0.0.1", "labkey", "a long secret that I made up a moment ago"
)
token = lab.room_token(backend, "lena", "lobby", **listener_rights())
lab.read_token(token).filter(like="video", axis=0)

# %% [markdown]
# <details><summary>What should be there</summary>
#
# `canPublish` and `canPublishData` are false: both are given unless you say no. `canSubscribe` is
# true. `canUpdateOwnMetadata` is true, too: it is off unless you say yes.
#
# </details>
#
# More to try: in the cell of `data`, set the loss to 0.2, and guess the lossy row first. Or send 5
# messages a second instead of 50: what becomes of the reliable p95, and why?
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
# Who holds the API secret can do all of them, in every room, as anybody. So never put it into an
# app: whoever unpacks the app has it.
#
# </details>
#
# **2. How does a room come into being?**
#
# <details><summary>Answer</summary>
#
# The backend creates it. Or somebody joins with a good token, and the server makes it (unless
# `auto_create` is off in its settings). In both cases its limit comes from the backend: in the
# call, or signed inside the token.
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
# His app waits for *participant_connected*. For alice none comes: she was there before. First look
# at `remote_participants`, then listen.
#
# </details>
#
# ## Food for thought
#
# - The server says “500” when a room is full. Whom would you rather tell why, and whom not?
# - Muting somebody is allowed and un-muting is not. Which rules of your own would you add for a
#   lesson with 30 pupils?
# - The server dies now. What do alice and bob notice, and when?
#   [Reconnection](deeper/09-reconnection.ipynb) measures it.
#
# ## Troubleshooting
#
# - **“Recorded on …”**: there is no server. The cell that starts it says why;
#   `labkit livekit --build` in a terminal builds it.
# - **“This room is running already”**: `await room.close()`, then run its cell again.
# - **The room “two” is not full**: its cell was run twice, and the room is a new one. Run all
#   cells from the top.
# - **A cell waits for 20 s and then says “did not answer”**: the computer is too busy. Run it
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
