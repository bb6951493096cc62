# %% [markdown]
# # Flutter: the lecture's Dart, put right
#
# **You will** read the code of the lecture “WebRTC in Flutter” beside the code of today. You will
# run the Python that does the same on a real LiveKit server, and see which messages each step
# sends. And you will learn to find out whether a name exists at all.
#
# **Flutter** is Google's toolkit for apps on phones, desktops and the web. Its language is
# **Dart**. `livekit_client` is the package with which a Flutter app talks to a LiveKit server.
# [09 · Rooms](09-rooms.ipynb) explains LiveKit, tokens and backends: do it first.
#
# It takes about 20 minutes. You need no Flutter. At the end a camera is useful, but you can do
# without one.
# [00 · Start here](00-start.ipynb) explains cells.

# %%
import labkit as lab
from labkit import flutter

# %% [markdown]
# ## Predict
#
# The lecture uses version 0.5.0 of `livekit_client`. These are ten names that it prints. The lab
# has a list of all the names in version 2.11.0.

# %%
printed = ["LivekitClient", "joinRoom", "RoomOptions", "participants", "onParticipantJoined"]
printed += ["videoTracks", "VideoViewWidget", "createRoom", "addParticipant", "Participant"]
guess = lab.predict("How many of the ten names does version 2.11 have?", unit="names")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Does a name exist?
#
# `find` looks a name up: a type or a member, spelled exactly.

# %%
names = flutter.api("livekit_client")
print(names, "released", names.released)
found = [name for name in printed if names.find(name)]
print(found)
guess.compare(len(found))

# %% [markdown]
# What about the others? This is what the lab's authors found in the package's changelog and in its
# sources:

# %%
wrong = [one for snippet in flutter.snippets() for one in snippet.wrong]
verdicts = {one.name.removeprefix("room."): one.verdict_in_words() for one in wrong}
{name: verdicts.get(name, "") for name in printed if name not in found}

# %% [markdown]
# Code that was never run looks as good on paper as code that was. So look names up before you trust
# a page, this one too. `near` finds names that are spelled alike, and a type shows its members:

# %%
print(names.near("LivekitClient"))
print(names["LiveKitClient"])

# %% [markdown]
# One capital letter makes the difference.
#
# Such a list knows names and nothing else: not whether the types fit, nor how many arguments a call
# needs. Only a compiler knows, and there is none here. On a computer with Flutter,
# `flutter analyze` asks it.
#
# ### Once through, in Python
#
# Here is the whole way in one cell, by LiveKit's SDK for Python: alice joins a room and publishes a
# camera. bob comes, she sees him, she leaves. It runs on a real server on your computer and takes
# some seconds. A proxy stands between alice and the server and notes what they say.
#
# (If no server is built, a recorded trial is shown, and it says so. `labkit livekit --build` in a
# terminal builds the server.)

# %%
trial = await flutter.try_python()
trial

# %% [markdown]
# Now the same way in Dart, step by step. Each snippet has up to three columns: as the lecture
# prints it, as it is written today, and the Python that has just run. Below them stands what is
# wrong, with its source in square brackets, and what the step sends.
#
# ### Connecting

# %%
flutter.snippets("dependency", "connect")

# %% [markdown]
# No object connects to a server first and joins a room later. To connect *is* to join. This is what
# went over alice's WebSocket: → from her, ← from the server, and how many bytes (B).

# %%
trial["connect"].sent()

# %% [markdown]
# Which room, and as whom? Both are inside the token.

# %%
flutter.snippets("token")

# %% [markdown]
# ### Publishing
#
# An option alone sends nothing. One call publishes the camera:

# %%
flutter.snippets("camera")

# %%
trial["camera"].sent()

# %% [markdown]
# So `setCameraEnabled(true)` says `add_track` to the server: *I will publish this.* The server
# answers `track_published`: *you may.* Only then come offer and answer, and after them the
# pictures.
#
# ### The others

# %%
flutter.snippets("people", "events")

# %% [markdown]
# What did the Python get? First from *events*, then from *people*:

# %%
trial["events"].came_out, trial["people"].came_out

# %% [markdown]
# Look at the printed code of the events once more: it joins, and listens afterwards. No event ever
# comes for those who were in the room before you. So such an app works for the one who comes first,
# and not for the second.
#
# ### Seeing somebody

# %%
flutter.snippets("track", "renderer")

# %%
trial["track"].came_out, trial["renderer"].came_out

# %% [markdown]
# Before you see somebody, there are four states:
#
# 1. They are in the room.
# 2. They have *published* a camera.
# 3. You are *subscribed*: you have a track.
# 4. The first picture comes.
#
# In the first three there is no picture yet. An app must show something all the same.
#
# ### What an app cannot do

# %%
flutter.snippets("create_room", "add_participant")

# %% [markdown]
# Who can do it, if the app cannot? The backend: it has the API secret. The app has only a token,
# for one person and one room. [09 · Rooms](09-rooms.ipynb) tries twelve such functions with an
# app's token.
#
# ### Two screens
#
# Last, the lecture's screens: one that joins, and one with both pictures. What would you see if you
# ran the printed code? Read the first column, guess, then read on.

# %%
flutter.snippets("screen", "interface")

# %% [markdown]
# ## Change one thing
#
# Three things that an app does and the lecture does not show: send a text, share the screen, ask
# for a smaller picture. Find today's names. Search with `names.near("...")`, or look at a type with
# `print(names["LocalParticipant"])` or `print(names["RemoteTrackPublication"])`. The second cell
# below says whether your names exist.


# %%
def todays_names():
    """Return three names: to send a text, share the screen, ask for a smaller picture."""
    ### BEGIN SOLUTION
    return ["sendText", "setScreenShareEnabled", "setVideoQuality"]
    ### END SOLUTION


# %% tags=["needs-solution"]
for name in todays_names():
    print(name, names.find(name) or "does not exist")

# %% [markdown]
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. What is `livekit_client`, and how does it get into a Flutter app?** (Question 6 of the
# lecture.)
#
# <details><summary>Answer</summary>
#
# A package for Dart and Flutter: the client side of LiveKit. It is built on `flutter_webrtc`. That
# is Google's libwebrtc on phones and desktops, and the browser's own WebRTC on the web.
#
# You add a line to `pubspec.yaml` (`livekit_client: ^2.11.0`), and the permissions for camera and
# microphone on Android, iOS and macOS. The app needs a server, and a backend that gives out tokens.
#
# </details>
#
# **2. How do you get another participant's video?** (Question 8.) Name the four states.
#
# <details><summary>Answer</summary>
#
# Find the participant in `room.remoteParticipants`: it also has those who were there before you.
# Ask for `getTrackPublicationBySource(TrackSource.camera)`. Its `track` is null until you are
# subscribed; `TrackSubscribedEvent` tells when. Give the track to a `VideoTrackRenderer`. Draw
# again when the participant changes: they may have muted or left.
#
# The states: in the room, published, subscribed, first picture.
#
# </details>
#
# **3. Which steps create a room through `livekit_client`?** (Question 9. Is it a fair question?)
#
# <details><summary>Answer</summary>
#
# None: it cannot. Either the backend creates the room by the server's API (`CreateRoom`). Or the
# room appears when the first person with a token joins; the backend may put the room's settings
# into that token. The app's steps are: ask the token endpoint, `Room()`, `connect`.
#
# </details>
#
# **4. Which message tells the server that you have a camera, and what comes before the pictures?**
# Look at your own trial:

# %%
[name for _sender, name, _size in trial["camera"].messages]

# %% [markdown]
# <details><summary>Answer</summary>
#
# `add_track`. Before the pictures come the server's `track_published`, and one more offer and
# answer: the media connection now has one more section, for the camera.
#
# </details>
#
# ## Food for thought
#
# - Each of the lecture's twelve snippets has a fault, and all look plausible. How would *you* have
#   noticed, without a list of names and without Flutter?
# - bob only watches. The server tells alice of him up to three seconds late: you saw it in
#   [09 · Rooms](09-rooms.ipynb). Why may that be good in a room of thousands?
# - Where would you keep the API secret in an app without a backend?
#
# ## Your app
#
# The lecture's practical task is an app for a call of two. A skeleton with everything but the call
# itself is in [examples/flutter_two_party](../examples/flutter_two_party/README.md). The lab is its
# backend, the other person, and the examiner. The examiner does not ask your app how it went: it
# looks at what arrives through the network.
#
# ### The shorter exam, here
#
# You need no app for it: a web page of the lab joins in your place, by WHIP (one HTTP request, no
# SDK; see chapter 09). The other person is a Python program. Its picture shows a number that nobody
# knows beforehand, so nobody can pretend to see it.
#
# Run the cell. The page appears under it. Press **Join** and let the browser use your camera. When
# you see the number, press **Leave**. (`build=False`: no server is built here. If there is none,
# the cell says so, and the next cell judges an exam that was recorded on another machine.)

# %%
from labkit.exam import judge, report_text, take_exam

own = await take_exam("data/exam-page.run", build=False)
own.page()

# %% [markdown]
# Have you pressed Leave? Then ask for the verdicts. (If you pressed nothing, nothing was seen.)

# %%
run = await own.end()
print(report_text(judge(run), run))

# %% [markdown]
# No camera? Put `run = lab.load_run("data/exam-page.run")` in place of the first line: it is the
# exam that was recorded.
#
# ### The exam of an app
#
# An app with `livekit_client` has more to show. It says at which size it wants the picture. It
# tells a third person that the room is full. The server dies in the middle of the call and comes
# back, and the app must be back, too. This exam was recorded: a web page with LiveKit's SDK for
# JavaScript took it.

# %%
app = lab.load_run("data/exam-app.run")
print(report_text(judge(app), app))

# %% [markdown]
# How did the examiner learn the size? With `adaptiveStream` the SDK tells the server how large the
# picture is on the screen. This is its last such message; Flutter's SDK sends the same.

# %%
print(app.messages.query("name == 'track_setting'")["body"].iloc[-1])

# %% [markdown]
# For your own app, `labkit exam` in a terminal prints what to start it with, and the same report at
# the end. `labkit exam --lan ADDRESS` is for a phone, `labkit exam --json` for a program.
#
# [What the lecture says](../docs/lecture-claims.md) judges every statement of the lecture, with
# sources. [LiveKit against Twilio](../docs/livekit-and-twilio.md) answers its question 5.
#
# ## Troubleshooting
#
# - **The trial says “Recorded on …”**: no server is built. Run `labkit livekit --build` in a
#   terminal (about two minutes), then the cell again.
# - **“The Python beside the Dart broke off”**: the sentence after it says why. Run the cell again.
# - **The exam's page stays black**: the browser asks for the camera at the left of its address bar.
#   If the notebook is open on another machine, the page cannot be shown.
# - **The three columns are narrow**: close the file list at the left.
#
# ## Clean up
#
# The trial ended its own server. The exam's ends with `own.end()`, or when its five minutes are
# over:

# %%
await own.close()

# %% [markdown]
# Nothing is left.
#
# ## Next
#
# Your own app, with [the skeleton](../examples/flutter_two_party/README.md).
