# %% [markdown]
# # Start here: a call to yourself
#
# **You will** make a video call between two peers on this computer, measure it, watch it live,
# bend its network with sliders, and keep what you measured.
#
# It takes about 20 minutes. You need no camera, no account and no internet.
# This page is a *notebook*: text, and grey cells with Python in them. Click into a grey cell and
# press **Shift+Enter** to run it. While it runs, `[*]` stands beside it; then a number.
# Run the cells from top to bottom.

# %%
import asyncio

import labkit as lab
from labkit import plots

# %% [markdown]
# ## Predict
#
# **WebRTC** is an open standard for sound, pictures and data in real time. The W3C, which makes the
# web's standards, describes what a program may ask for. The IETF, which makes the internet's,
# describes what travels through the network. Browsers speak WebRTC, and so do phones, games and
# cameras.
#
# Two programs on your computer will hold a call: **alice** sends a picture 30 times a second,
# **bob** receives it. In between, WebRTC does all it always does: it compresses each picture,
# cuts it into packets, encrypts them, sends them through the network, and undoes it all at the
# other end.
#
# Guess before you measure. A wrong guess teaches more than none. Run the cell: a box appears. Type
# a number, press **Enter**, then go on. You need not change the code, and running the cell again
# keeps your guess.

# %%
question = "How many ms pass from the moment alice has a picture until bob has it?"
guess = lab.predict(question, unit="ms")
guess

# %% [markdown]
# ## Run it, be surprised
#
# This is what alice will send. It moves, and it is noisy, so that compressing it is real work.
# The number of the picture is written large for you, and as black and white cells along the top
# edge for bob: so he knows which picture he got, and when alice had it.

# %%
lab.TestPattern(640, 480, fps=30)

# %% [markdown]
# Now the call, in one cell. `record(4)` starts the call, records it for 4 seconds, and ends it
# again. (A call that you started yourself goes on.) Then it says what was measured.

# %%
call = lab.call(video=lab.TestPattern(640, 480, fps=30), seed=1)
run = await call.record(4)
run  # a Run

# %% [markdown]
# No call possible? Run this instead: `run = lab.load_run("data/start-clean.run")`.
#
# What you got is a **Run**: the record of one experiment. Its lines say:
#
# - *latency*: from alice having the picture to bob having it.
# - *p50*: half of the frames were faster than this, half were slower. *p95*: 95 of 100 were
#   faster.
# - *n*: how many frames were counted for it. The first 2 seconds are left out: the call is still
#   settling then. So `record(4)` gives about 60 counted frames, at 30 a second.
# - *bitrate*: what alice really sent, in kilobits a second.
# - *loss asked, achieved*: how many packets the lab was told to lose, and how many it did lose.
#
# Here is your guess beside the measurement.

# %%
latency = run.summary()["latency_ms"]
guess.compare(latency["p50"])

# %% [markdown]
# Did you guess far more? Then you may have thought of a call through the internet. On one machine a
# frame is there before the next one is even captured (that takes 33 ms at 30 frames a second).
#
# The same as a chart: one point a frame.

# %%
plots.plot_latency(run)

# %% [markdown]
# Read any chart in this order: What is on the bottom axis, in which unit? What on the left? Where
# does the left axis *begin*? Only then: which line is higher.
#
# ### What `await` does
#
# `await` waits, as in Dart: *wait here until it is ready, and let others work meanwhile*. One
# difference: without `await`, `record()` does not start at all. To start and not wait, use
# `start_recording()`. It gives you a **handle**: you can wait for it later.
#
# Run this cell. It records, and makes Python busy in the middle: it counts for about a second, and
# the notebook can do nothing else. Were any frames lost meanwhile?

# %%
handle = call.start_recording(6)
await asyncio.sleep(3)
sum(number * number for number in range(10_000_000))
busy = await handle
busy.summary()["frames"]

# %% [markdown]
# No call possible? Run this instead: `busy = lab.load_run("data/start-busy.run")`.
#
# All frames of the recording are counted here, and `unreadable` and `lost` are those that went
# wrong. The call does not mind a busy notebook, because alice and bob do not live in it: they live
# in a **process of their own**, the *worker*. The notebook only asks and draws.

# %%
busy.peers[["peer", "engine", "place"]]

# %% [markdown]
# ## Change one thing
#
# ### Live, with sliders
#
# This call goes both ways. `show()` gives you a panel and returns at once.

# %%
live = lab.call(video=lab.TestPattern(), back_video=lab.TestPattern(seed=2), seed=1)
live.show()  # a CallPanel

# %% [markdown]
# **Stop here and play.** Run the next cell only when you are done: it ends the call.
#
# **1.** Press **Start** (or reach it with the Tab key and press Space). Two pictures move, two
# charts grow: the *latency* of each direction, and how much is *received*, in kbit/s.
#
# <details><summary>What you see</summary>
#
# The latency is as low as in your run, or a little higher: two pictures cost more computing than
# one. What is received climbs slowly: nobody knows yet how much fits through, so the sender dares a
# little more every second.
#
# </details>
#
# **2.** *Bend the link* says *both ways*: a slider bends the way there and the way back. Set
# **Delay** to 100 ms. Which chart answers, and by how much?
#
# <details><summary>Answer</summary>
#
# Delay: latency rises by 100 ms, bitrate hardly moves. Each picture is later, and none is smaller.
#
# </details>
#
# **3.** Set Delay back to 0 and **Loss** to 5 %. What happens to the latency now, and why not to
# every frame?
#
# <details><summary>Answer</summary>
#
# Loss: the latency gets peaks. A frame that lost no packet is as fast as before. One that did waits
# until bob has asked for the packet and got it, and the frames behind it wait too.
#
# </details>
#
# **4.** Set Loss back to 0 and wait until more than 600 kbit/s are received. Then set **Rate** to
# 500 kbit/s and watch for ten seconds. Rate: the most that fits through, in kbit/s. What happens to
# the latency first, and which of the peers does something about it?
#
# <details><summary>Answer</summary>
#
# Rate: first the latency rises, since packets now queue before the narrow place. Both peers do
# something: the receiver sees packets come later and later and tells the sender how much fits, and
# the sender makes its pictures smaller. This is *congestion control*. Less is received, the queue
# empties, and the latency falls again.
#
# </details>
#
# **5.** Press *Clean link*. Then choose one direction under *Bend the link*, and set its Delay to
# 100 ms. Does the other direction feel it?
#
# <details><summary>Answer</summary>
#
# Hardly: a picture travels one way only. But a repeated packet needs both ways, the request and the
# answer. So with loss one way, a delay on the way back is felt.
#
# </details>
#
# When you are done, press **Stop**, or run this cell. Two calls at once take each other's computing
# time, and then you measure that.

# %%
await live.close()

# %% [markdown]
# ### The same, in code
#
# Sliders are for looking; a measurement that others can repeat is written down. A `Link` is one
# direction of a bad network. Here each direction takes 80 ms, give or take 5, and loses 2 % of the
# packets. (For two different directions there is `link=(there, back)`: the first is alice→bob.)

# %%
link = lab.Link(delay_ms=80, jitter_ms=5, loss=0.02)
bent = await lab.call(video=lab.TestPattern(640, 480, fps=30), link=link, seed=1).record(4)
bent

# %% [markdown]
# No call possible? Run this instead: `bent = lab.load_run("data/start-bent.run")`.
#
# The loss that was *achieved* is not the one that was *asked for*: in a short run luck decides.
# The luck comes from the **seed**: with the same seed, the same packets are lost again.

# %%
print("seed", bent.meta["seed"])
bent.summary()["datagrams"]

# %% [markdown]
# Every `plot_…` function takes one run, or a list of them to compare.

# %%
plots.plot_latency([run, bent])

# %% [markdown]
# A peak begins with a frame that lost a packet: bob asks for it again, and that takes another round
# trip. The frames behind it have to wait with it.
#
# What did the bent link do to the bitrate?

# %%
plots.plot_bitrate([run, bent])

# %% [markdown]
# And everything about one run in one figure. Its parts come back in other chapters.

# %%
plots.plot_overview(bent)

# %% [markdown]
# ### Keep it
#
# A Run is one file. Save it, load it, and nothing is lost.

# %%
from pathlib import Path

Path("runs").mkdir(exist_ok=True)
bent.save("runs/my-bent.run", force=True)

# %%
again = lab.load_run("runs/my-bent.run")
print("the same figures:", again.summary() == bent.summary())

# %% [markdown]
# For a spreadsheet there are tables as CSV, and for Wireshark there are the packets.

# %%
bent.to_csv("runs/my-bent-csv")
bent.to_pcapng("runs/my-bent.pcapng")

# %% [markdown]
# The folder `data` holds runs that we recorded. They are for those whose computer cannot make the
# call, and for comparing. Which machine is faster, yours or ours?
#
# Read a curve so: where it is 50 % high, half of the frames were faster. The curve further left is
# the faster machine's.

# %%
ours = lab.load_run("data/start-clean.run")
print("our machine:", ours.meta["machine"])
plots.plot_latency_distribution([run, ours], names=["yours", "ours"])

# %% [markdown]
# Ours are `data/start-clean.run`, `data/start-busy.run` and `data/start-bent.run`.
#
# ## Control questions
#
# Answer first, in your own words, then unfold.
#
# **1. What is WebRTC, and what is it used for?** Think of what alice and bob did for you, and of
# what else could be sent so.
#
# <details><summary>Answer</summary>
#
# An open standard (the interface by the W3C, the protocols by the IETF) for sound, pictures and
# data in real time between browsers, apps and other programs, without a plugin. You have just
# used it without a browser: the peers here are Python, and they speak the same protocols. It is
# used for calls and meetings, for remote control, for games, for cameras: wherever half a second
# is too late.
#
# </details>
#
# **2. Your link took 80 ms each way. Did the latency grow by 80 ms or by 160 ms?** Look at your own
# runs:

# %%
slow = bent.summary()["latency_ms"]["p50"]
print(f"clean {latency['p50']:.1f} ms, bent {slow:.1f} ms, more by {slow - latency['p50']:.1f} ms")

# %% [markdown]
# <details><summary>Answer</summary>
#
# By the 80 ms of *one* direction, and a little for the jitter: a frame only travels from alice to
# bob. Lost packets add more. If you see over 90 ms, that is why.
#
# A question and its answer would take both, 160 ms and more: that is a *round trip*. In a talk you
# feel the round trip: you speak, then wait for the reaction.
#
# </details>
#
# **3. Which share of your frames came later than the capture of the next one (33 ms)?** Count them:

# %%
for name, one in {"clean": run, "bent": bent}.items():
    print(f"{name}: {(one.frames['latency_ms'].dropna() > 33.3).mean():.0%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Clean: none or nearly none. Bent: all of them. So two or three frames are on their way at any
# time, and “the picture now” means another picture at each end.
#
# </details>
#
# **4. Why did the call go on while the notebook counted?**
#
# <details><summary>Answer</summary>
#
# The peers live in the worker process. In the notebook's own process they would have waited for
# the counting, and the frames with them. In a Flutter app it is the same: what must not wait does
# not belong on the thread that draws.
#
# </details>
#
# ## Food for thought
#
# - A raw picture of 640 × 480 has 460,800 bytes. Divide your bitrate by 8 and by 30: how many bytes
#   did a frame have on the wire? What was left out?
# - Here one clock stamps both ends. How would you measure the latency between Moscow and
#   Vladivostok, with two computers whose clocks differ?
# - Which of your numbers would change with a faster computer, and which would not?
#
# ## Troubleshooting
#
# - **`ModuleNotFoundError: No module named 'labkit'`**: the notebook runs another Python. Open it
#   with `make lab`, or choose the kernel “Python 3 (ipykernel)”.
# - **A cell shows `[*]` and does not end**: press the square ■ above the notebook. The call is
#   closed then; run the cell again. (Only a cell that computes without `await` cannot be stopped
#   while a call is open in it.)
# - **`Error displaying widget: model not found`**: the panel belongs to an older kernel. Run its
#   cell again.
# - **The latency is far above ours, and jumps**: something else uses the computer. Close the live
#   call (`await live.close()`), other notebooks, video players.
# - **`This call is running already`**: `await call.close()`, then try again.
# - **Anything else**: run `labkit doctor` in a terminal. It says what is not fine, and what to do.
#
# ## Clean up
#
# Close what may still run: every call of this notebook, also one whose variable you have used
# again. The cell says how many there were. Your files stay in the folder `runs`.

# %%
await lab.close_all()

# %% [markdown]
# ## Next
#
# [01 · Media](01-media.ipynb) looks into a picture and a sound before they are sent, and asks your
# camera for something. Or go straight to [06 · Latency](06-latency.ipynb), which follows one frame
# on its way and asks whose milliseconds they are.
