# %% [markdown]
# # Deeper: one to many, until the machine is full
#
# **You will** let more and more people watch one picture, until this computer can no more. You will
# find out *who* can no more, read the server's own counters and see how late they are. In the end
# you will work out what a big server could do, and hold that against a published benchmark.
#
# It takes about 15 minutes. You should have done [10 · Mesh and SFU](../10-mesh-and-sfu.ipynb).

# %%
import asyncio

import pandas as pd

import labkit as lab
from labkit import plots, rooms
from labkit.experiments.broadcast import broadcast
from labkit.experiments.silent import silent_room

# %% [markdown]
# If there is no server, this cell says why, and you see what was recorded:
# `../data/broadcast-scenes.json`.

# %%
stage = await rooms.stage("../data/broadcast-scenes.json", own=True)
stage

# %% [markdown]
# ## Predict
#
# alice sends one picture of 480×360, 15 times a second. Everybody else watches. All of it is on
# this one machine: the server, alice, and every listener, who decodes what arrives.

# %%
share_guess = lab.predict("When the machine is full: which share of it is the server's?", unit="%")
share_guess

# %%
cores_guess = lab.predict("How many listeners could one core of a server serve?", unit="listeners")
cores_guess

# %% [markdown]
# ## Run it
#
# ### Growing
#
# 1, 10, 20, 40 listeners; it ends with the first size that is too much. (On a bigger machine, go
# on.) bob is the first one: a receiver of the lab's own, with exact latency and no adaptive buffer.
# The others use LiveKit's SDK, in two processes. It takes about a minute; read on meanwhile.


# %%
async def growing():
    sizes = [1, 10, 20, 40]
    return await broadcast(sizes, server=stage.server, seconds=3, until_full=True)


table_to_come = asyncio.create_task(stage.play(growing))

# %% [markdown]
# What does an SFU do for each listener? It takes alice's packet, decrypted once, writes another
# sequence number and another SSRC, encrypts it with *that* listener's key, and sends it. It also
# reads what each listener reports, and answers lost packets from a short memory. alice knows of
# none of this: she sends once.
#
# A **listener** receives, decrypts, collects, decodes, and here also reads the number that is drawn
# into the picture.
#
# The machine counts as full when server and listeners use more than 80 % of all cores, or when the
# listeners show less than 90 % of the frames: a cross in the figure. What is beyond would be about
# the machine.

# %%
table = await table_to_come
plots.plot_broadcast(table)

# %%
columns = ["n", "server_cpu_percent", "audience_cpu_percent", "shown_share", "packets_lost"]
table[[*columns, "join_p50_s", "full"]].round(2)

# %%
last = table.iloc[-1]
both = last["server_cpu_percent"] + last["audience_cpu_percent"]
share_guess.compare(100 * last["server_cpu_percent"] / both)

# %% [markdown]
# It is not the server that is full. It is the audience: decoding is what costs, and every listener
# decodes. In real life they bring their own computers. So this measurement says much about the
# server's price for each listener, and nothing about its limit.
#
# ### The server's own counters, and how late they are
#
# LiveKit tells its counters to Prometheus, a collector that asks every few seconds. Ask twice a
# second, while alice sends to bob all the time.


# %%
async def counters():
    names = {
        "livekit_participant_total": "people",
        'livekit_packet_total{country="",direction="incoming",transmission="initial"}': "in",
        'livekit_packet_total{country="",direction="outgoing",transmission="initial"}': "out",
    }
    told = []
    async with lab.room("alice", "bob", server=stage.server):
        for step in range(15):
            now = await stage.server.metrics()
            told.append({"at_s": step / 2, **{new: now.get(old) for old, new in names.items()}})
            await asyncio.sleep(0.5)
    return pd.DataFrame(told)


# %%
counted = await stage.play(counters)
counted.set_index("at_s").T.astype("Int64")

# %% [markdown]
# Pictures flow evenly, the counters do not: they stand still for seconds, then jump. LiveKit adds
# up each track by itself and hands the sums on from time to time. In a window of three seconds such
# a counter may show twice the truth, or nothing. Compare what the server says with what the
# listeners counted:

# %%
table[["n", "server_out_per_s", "arrived_per_s"]].round(0)

# %% [markdown]
# (bob is not in the right column: he counts for himself.) Over minutes the two agree. So: short
# windows from the clients, long ones from the server.
#
# ### Fifty-one who say nothing
#
# Some services end a room at 50 people, whatever they do in it. ([LiveKit and
# Twilio](../../docs/livekit-and-twilio.md) has the dates.) So let 51 join one room here, and let
# nobody publish. What is left is the price of being there.


# %%
async def silence():
    return await silent_room(51, server=stage.server, seconds=3)


# %%
silent = await stage.play(silence)
silent.round(2).T

# %% [markdown]
# Do not take the word of those who join: `on_the_list` is the server's own list of people with a
# working media connection, `counted` is its counter. `tracks` is what they publish, `all_in_s` the
# time from the first wish to join until the list was whole. `…_each` is what the server needs more
# than when it was empty, divided by 51.
#
# Being there costs little. But look at `others_known`: everybody was told of everybody, and that
# is 51 × 50 notices. Twice the people are four times the notices, also when all keep quiet.
#
# ### Does anything leave this computer?
#
# “All of it is on this one machine” can be checked. Three people meet, two by WHIP, carol by
# LiveKit's SDK. Then list every socket of this notebook, and of all the programs that it started.


# %%
async def ways_out():
    carol = lab.participant("carol", engine="livekit")
    async with lab.room("alice", "bob", carol, server=stage.server):
        return rooms.open_sockets()


# %%
(await stage.play(ways_out)).fillna("")

# %% [markdown]
# `here` is the address that a socket is bound to, `there` the one that it is connected to. Where
# one of them is 127.0.0.1, nothing can leave or enter by it: `stays`. So it is with the server, the
# links, and everybody who joins by WHIP.
#
# A row of the worker does not stay: that is carol. Her SDK never uses 127.0.0.1 of its own accord,
# it binds to the address that this computer has in its network. So it *could* leave. Where do her
# media go? A socket of UDP does not tell, but ICE does: it has agreed on a pair of addresses. Look
# at `far_ends_here` further up: that many of the 51 send their media to 127.0.0.1.
#
# ## Change one thing
#
# ### What could a big server do?
#
# The server's CPU grows with the listeners. The slope is the price of one more: take it from the
# first and the last row, so that what the server does anyway falls out. Rows of a full machine are
# left out: what comes late is asked for again, and sent again. (If only the first row is left, all
# are taken: a poor slope, but one.)


# %%
def listeners_per_core(table):
    """Return how many listeners fit on one core, from the slope between first and last row."""
    ### BEGIN SOLUTION
    first, last = table.iloc[0], table.iloc[-1]
    grown = last["server_cpu_percent"] - first["server_cpu_percent"]
    return 100 * (last["n"] - first["n"]) / grown
    ### END SOLUTION


# %% tags=["needs-solution"]
calm = table[~table["full"].astype(bool)]
calm = calm if len(calm) > 1 else table
fit = listeners_per_core(calm)
cores_guess.compare(fit)

# %% [markdown]
# LiveKit publishes a benchmark (“Benchmarking”, in its documentation on self-hosting): one
# publisher of 720p, **3,000** listeners, 560,962 packets a second out, 92 % of a machine with 16
# cores. Pictures of another size have other packets, so compare *packets* for each core:

# %% tags=["needs-solution"]
packets_each = calm["arrived_per_s"].iloc[-1] / (calm["n"].iloc[-1] - 1)
print(f"here      {fit * packets_each:8,.0f} packets a second for each core, extrapolated")
print(f"published {560_962 / (0.92 * 16):8,.0f} packets a second for each core, measured")

# %% [markdown]
# How far apart are yours? A factor of two either way would be no surprise, and here is why nobody
# should trust the upper line further than that:
#
# - It is a **slope of few points**, measured where the server used some percent of a core, and
#   stretched by a factor of hundreds. Nothing says that the line stays straight.
# - Server and listeners share caches and cores here, and loopback is no network card.
# - The processor time of a process comes in steps of 10 ms.
# - The published figure is of another year, another processor and another version.
#
# One thing does follow: **one room lives on one server.** LiveKit's own limit for a room on a
# server of yours is this benchmark. “Millions of users” is said of many rooms, or of its cloud.
#
# ## Control questions
#
# **1. Which of your figures would be the same if the listeners had their own computers?**
#
# <details><summary>Answer</summary>
#
# The server's CPU for each listener, about. Latency and shown frames would be better: here they
# suffer from the listeners' decoding.
#
# </details>
#
# **2. An MCU instead: what would one more listener cost it?**
#
# <details><summary>Answer</summary>
#
# Hardly more than here, as long as all see the same: the mosaic is encoded once. The first costs
# more: decoding and encoding. Another layout, size or bitrate for somebody costs one more encoder.
#
# </details>
#
# ## Food for thought
#
# - A broadcast to 100,000 people over *HLS* costs a web server files, and everybody some seconds of
#   delay. At which audience would you change over? What does it take from a teacher?
# - How would you connect several SFUs, so that a room can be larger than one of them?
#
# ## Troubleshooting
#
# - **It ends at 10**: the machine is busy with something else, or is small. The slope still
#   means something.
# - **The slope is negative, or absurd**: too few points, or too short. Use `seconds=10`.
# - **“… saw no frame within 15 s”**: more people came than the machine can carry. Leave out the
#   largest size.
#
# ## Clean up

# %%
await stage.close()

# %% [markdown]
# ## Next
#
# [In by WHIP, out to a file](10-ingest.ipynb): what Ingress and Egress are.
