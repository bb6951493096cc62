# %% [markdown]
# # Flutter: the lecture's Dart, put right
#
# **You will** read the lecture's Dart beside the Dart of today, and run the Python that does the
# same on a real LiveKit server. You will see which message each call sends. And you will learn to
# find out whether a name exists at all.
#
# It takes about 20 minutes. You need neither Flutter nor a camera here.
# [00 · Start here](00-start.ipynb) explains cells.

# %%
import labkit as lab
from labkit import flutter

# %% [markdown]
# ## Predict
#
# These are ten names of `livekit_client` that the lecture prints. Its version there is 0.5.0, of
# early 2022. The lab has a list of all names of version 2.11.0, of August 2026.

# %%
printed = ["LivekitClient", "joinRoom", "RoomOptions", "participants", "onParticipantJoined"]
printed += ["videoTracks", "VideoViewWidget", "createRoom", "addParticipant", "Participant"]
guess = lab.predict("How many of the ten does version 2.11 have?", unit="names")
guess

# %% [markdown]
# ## Run it, be surprised
#
# ### Does a name exist?
#
# `find` looks a name up: a type or a member, spelled exactly.

# %%
names = flutter.api("livekit_client")
found = [name for name in printed if names.find(name)]
print(found)
guess.compare(len(found))

# %% [markdown]
# Some of the others had been there and were renamed; some have never existed in any version. Code
# that was never run looks as good on paper as code that was. So look up before you trust, this page
# too.

# %%
print(names.near("LivekitClient"))
print(names["LiveKitClient"])

# %% [markdown]
# What such a list cannot tell: whether the types fit, how many arguments a call takes, whether a
# variable was set. Only the compiler does, and there is none here. `flutter analyze` is for that.
#
# ### Once through, in Python
#
# Here is the whole way in one cell: alice joins a room, publishes a camera, bob comes, she sees
# him, she leaves. It is LiveKit's Python SDK on a real server on your computer, and takes some
# seconds. A proxy between alice and the server has noted what was said.
#
# (Where no server is built, a recorded one is shown, and says so.
# `labkit livekit --build` in a terminal builds it.)

# %%
trial = await flutter.try_python()
trial

# %% [markdown]
# Now the same way in Dart, step by step. Each snippet has three columns: as the lecture prints it,
# as it is written today, and the Python that has just run.
#
# ### Connecting

# %%
flutter.snippets("dependency", "connect")

# %% [markdown]
# There is no client object that connects to a server first and joins a room later. To connect *is*
# to join. This is what it sent; sizes are in bytes:

# %%
trial["connect"].sent()

# %% [markdown]
# Which room, and as whom? That is inside the token.

# %%
flutter.snippets("token")

# %% [markdown]
# ### Publishing
#
# Nothing is sent by switching on an option. One call does it:

# %%
flutter.snippets("camera")

# %%
trial["camera"].sent()

# %% [markdown]
# So `setCameraEnabled(true)` says `add_track` to the server: *I will publish this.* The server
# answers `track_published`: *you may.* Only then do offer and answer go, and the pictures.
#
# ### The others

# %%
flutter.snippets("people", "events")

# %%
trial["events"].came_out, trial["people"].came_out

# %% [markdown]
# Read the printed code of *events* once more: it joins, and listens afterwards. For whoever was in
# the room before you no event ever comes. It is the most frequent mistake in a first app: it works
# for the one who comes first, and not for the second.
#
# ### Seeing somebody

# %%
flutter.snippets("track", "renderer")

# %%
trial["track"].came_out, trial["renderer"].came_out

# %% [markdown]
# Somebody's camera goes through four states: they are there; they have *published* a camera; you
# are *subscribed* and have a track; the first picture comes. In the first two there is nothing to
# show, and an app must show something all the same.
#
# ### What an app cannot do

# %%
flutter.snippets("create_room", "add_participant")

# %% [markdown]
# Who could do it, if the app cannot? The backend: it has the API secret, and the app has a token
# for one person and one room. Chapter 09 tries twelve such functions with a client's token.
#
# ### Two screens

# %%
flutter.snippets("screen", "interface")

# %% [markdown]
# ## Change one thing
#
# Three things an app does that the lecture does not show. Find today's names: search with
# `names.near("...")`, and look at a type with `print(names["LocalParticipant"])` or
# `print(names["RemoteTrackPublication"])`.


# %%
def todays_names():
    """Return the members that send a text, share the screen, and ask for a smaller picture."""
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
# A package of Dart and Flutter: the client side of LiveKit. Below it is `flutter_webrtc`, which is
# libwebrtc for phones and desktops and the browser's own WebRTC on the web. It comes by a line in
# `pubspec.yaml` (`livekit_client: ^2.11.0`), and by permissions for camera and microphone on
# Android, iOS and macOS. It needs a server, and a backend that gives out tokens.
#
# </details>
#
# **2. How do you get another participant's video?** (Question 8.) Name the four states.
#
# <details><summary>Answer</summary>
#
# Take them from `room.remoteParticipants`, those who were there before you as well. Ask
# `getTrackPublicationBySource(TrackSource.camera)`. Its `track` is null until you are subscribed;
# `TrackSubscribedEvent` tells when. Give the track to a `VideoTrackRenderer`, and draw again when
# the participant changes: by then they may have muted or left.
#
# </details>
#
# **3. Which steps create a room through `livekit_client`?** (Question 9.) Mind the premise.
#
# <details><summary>Answer</summary>
#
# None: it cannot. The backend creates the room by the server's API (`CreateRoom`), or puts the
# room's settings into the token, or nobody does, and the room appears when the first person with a
# token joins. The app's steps are: ask the token endpoint, `Room()`, `connect`.
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
# `add_track`. Before the pictures come the server's `track_published` and one more offer and
# answer, for the media connection has a section more now.
#
# </details>
#
# ## Food for thought
#
# - Each of the lecture's twelve snippets has a fault, and all look plausible. How would *you* have
#   noticed, without a list of names and without Flutter?
# - Bob watches and publishes nothing. The server tells alice of him up to three seconds late. Why
#   might it do so in a room of 3,000?
# - Where would you keep the API secret in an app without a backend?
#
# ## Your app
#
# The lecture's practical task is a call for two. A skeleton with everything but the call itself is
# in [examples/flutter_two_party](../examples/flutter_two_party/README.md). The lab is its backend,
# the other person, and the examiner. The examiner does not ask what your app believes; it looks at
# what arrives on the wire.
#
# ### The shorter exam, here
#
# You need no app for it: a page of the lab joins in your place, without any SDK, by WHIP. The other
# person is Python. Run the cell, press **Join**, and let the browser use your camera. The other's
# picture carries a number that nobody knows beforehand. Then press **Leave**.

# %%
from labkit.exam import exam, judge, report_text

own = await exam("whip", build=False).start()
own.page()

# %% [markdown]
# Have you pressed Leave? Then ask for the verdicts. (If you pressed nothing at all, nothing was
# seen.)

# %%
run = await own.end()
print(report_text(judge(run), run))

# %% [markdown]
# No server, or no camera? Run this instead: `run = lab.load_run("data/exam-page.run")`, and the
# last line again.
#
# ### The exam of an app
#
# An app with `livekit_client` has more to show: the size at which it wants the picture, a third
# person who is told that the room is full, and a server that dies in the middle of the call and
# comes back. This one was taken by a web page with LiveKit's SDK for JavaScript:

# %%
app = lab.load_run("data/exam-app.run")
print(report_text(judge(app), app))

# %% [markdown]
# Which message told the examiner the size? The app said it by itself, because its renderer is as
# large as it is: that is `adaptiveStream`. Flutter's SDK sends the same message.

# %%
print(app.messages.query("name == 'track_setting'")["body"].iloc[-1])

# %% [markdown]
# For your own app, `labkit exam` in a terminal prints what to start it with, and the same report at
# the end. `labkit exam --lan ADDRESS` is for a phone, `labkit exam --json` for a program.
#
# Every statement of the lecture is judged, with sources, in
# [what the lecture says](../docs/lecture-claims.md), and question 5 in
# [LiveKit against Twilio](../docs/livekit-and-twilio.md).
#
# ## Troubleshooting
#
# - **The trial says “Recorded on …”**: no server is built. Run `labkit livekit --build` in a
#   terminal (about two minutes), then the cell again.
# - **“The Python beside the Dart broke off”**: the sentence after it says why. Run the cell again.
# - **The exam's page stays black**: the browser asks for the camera at the left of its address bar.
#   A notebook that is open from another machine cannot show the page.
# - **Three columns are too narrow**: close the file list at the left; they go below each other on a
#   small screen.
#
# ## Clean up
#
# Nothing is left: the trial and the exam have each ended their server and their processes.
#
# ## Next
#
# Your own app, with [the skeleton](../examples/flutter_two_party/README.md).
