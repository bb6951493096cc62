# %% [markdown]
# # Deeper: write the jitter buffer's rule
#
# **You will** write the rule that saves a frame interval, try it on a few packets, then put it into
# a real call and measure it against stock aiortc. In the end you will break it.
#
# It takes about 40 minutes. You should have done [06 · Latency](../06-latency.ipynb).

# %%
import labkit as lab
from labkit import plots
from labkit.run.statistics import budget_ms, frame_counts

# %% [markdown]
# ## Predict
#
# Stock aiortc waits for the first packet of the *next* frame. Your rule will look at the marker bit
# of *this* one. The call has 30 frames a second.

# %%
guess = lab.predict("How many milliseconds will your rule save for each frame?", unit="ms")
guess

# %% [markdown]
# ## Write it
#
# Packets take differently long: that is *jitter*. They can change order. The *jitter buffer* puts
# them in order and hands out whole frames.
#
# It is a class with a method `add(packet)`. The lab calls it for every packet that arrives, in
# whatever order they arrive. A packet has
#
# - `sequence_number`: counts packets, from 0 to 65535 and then from 0 again;
# - `timestamp`: the same for all packets of a frame;
# - `marker`: 1 on the last packet of a frame, 0 on all others;
# - `_data`: this packet's piece of the compressed frame, as bytes.
#
# `add` returns two things: whether a key frame must be asked for (not in your first version), and
# the next frame if it is whole, else `None`. Most frames hold only what changed. A *key frame* is a
# whole picture: after a loss, bob can start again from it.
#
# Look at the class: all is there, but for the body of `take`. A `JitterFrame` is aiortc's box for a
# whole frame: its bytes and its timestamp. Ignore `capacity` and `is_video`; aiortc passes them.
#
# 1. From `self.next` on, collect packets as long as there is no gap.
# 2. At the first one with a marker the frame is whole. Put the next number into `self.next`, throw
#    the frame's packets away, and return
#    `JitterFrame(data=..., timestamp=...)` with all pieces joined.
# 3. If there is a gap before a marker comes, return `None`.
#
# Keep imports and helpers in this cell: the class will travel to another process with them.
#
# The solution is no secret, it lies in the lab's sources. You will learn more if you see yours fail
# once or twice first.

# %%
from aiortc.jitterbuffer import JitterFrame


class MyBuffer:
    def __init__(self, capacity, is_video=True):
        self.packets = {}  # the packets that wait, by sequence number
        self.next = None  # the sequence number that the next frame starts with

    def add(self, packet):
        if self.next is None:
            self.next = packet.sequence_number
        self.packets[packet.sequence_number] = packet
        return False, self.take()

    def take(self):
        ### BEGIN SOLUTION
        pieces, number = [], self.next
        while number in self.packets:
            pieces.append(self.packets[number])
            number = (number + 1) % 65536
            if pieces[-1].marker:
                self.next = number
                for piece in pieces:
                    del self.packets[piece.sequence_number]
                data = b"".join(piece._data for piece in pieces)
                return JitterFrame(data=data, timestamp=pieces[0].timestamp)
        return None
        ### END SOLUTION


# %% [markdown]
# ## Try it on a few packets
#
# You need no network for that. These make packets with just the four fields.

# %%
from types import SimpleNamespace


def packet(number, data, marker=0, timestamp=3000):
    return SimpleNamespace(sequence_number=number, _data=data, marker=marker, timestamp=timestamp)


def frames_of(*packets):
    buffer = MyBuffer(512)
    frames = []
    for one in packets:
        _key_frame_wanted, frame = buffer.add(one)
        if frame is not None:
            frames.append(frame.data)
    return frames


# %% [markdown]
# A frame of two packets comes out with its second one.

# %% tags=["needs-solution"]
got = frames_of(packet(7, b"one "), packet(8, b"frame", marker=1))
assert got == [b"one frame"], f"it gave {got}"
print("right:", got)

# %% [markdown]
# Two packets have changed places on the way.

# %% tags=["needs-solution"]
got = frames_of(packet(1, b"a"), packet(3, b"c", marker=1), packet(2, b"b"))
assert got == [b"abc"], f"it gave {got}"
print("right:", got)

# %% [markdown]
# After 65535 comes 0.

# %% tags=["needs-solution"]
got = frames_of(packet(65535, b"a"), packet(0, b"b", marker=1), packet(1, b"c", marker=1))
assert got == [b"ab", b"c"], f"it gave {got}"
print("right:", got)

# %% [markdown]
# A frame with a hole must not come out.

# %% tags=["needs-solution"]
got = frames_of(packet(1, b"a", marker=1), packet(2, b"b"), packet(4, b"d", marker=1))
assert got == [b"a"], f"it gave {got}"
print("right:", got)

# %% [markdown]
# What came out must not stay inside: a call has thousands of packets.

# %% tags=["needs-solution"]
buffer = MyBuffer(512)
buffer.add(packet(1, b"a"))
buffer.add(packet(2, b"b", marker=1))
assert not buffer.packets, f"it still holds {buffer.packets}"
print("right: nothing is left")

# %% [markdown]
# ## Run it in a real call
#
# The class travels to the worker process, as it stands in your cell. `record()` starts the call,
# records, and ends it.

# %% tags=["needs-solution"]
mine = await lab.call(video=lab.TestPattern(), jitter_buffer=MyBuffer, seed=1).record(4)
mine

# %% [markdown]
# No call possible? Run this instead: `mine = lab.load_run("../data/jitter-mine.run")`.
#
# Against stock, as we recorded it. (`../runs/my-stock.run` is yours, from the chapter before.)

# %% tags=["needs-solution"]
stock = lab.load_run("../data/latency-stock.run")
plots.plot_budget([stock, mine], names=["stock", "mine"])

# %% tags=["needs-solution"]
guess.compare(budget_ms(stock)["buffer"] - budget_ms(mine)["buffer"])

# %% [markdown]
# ## Break it
#
# Nothing was lost so far. When a packet is missing, bob asks alice to repeat it, and your buffer
# waits for that. Now the link is bad for a moment: for 0.3 seconds half of alice's packets get
# lost, and for 0.6 seconds all of bob's requests. Then it is perfect again.
#
# `Phase(3, loss=0.5)`: from second 3 of the call on, half is lost, until a later phase changes it.
# `there` is alice→bob, `back` is bob→alice.

# %%
there = lab.Link(delay_ms=20, phases=[lab.Phase(3, loss=0.5), lab.Phase(3.3, loss=0)])
back = lab.Link(delay_ms=20, phases=[lab.Phase(3, loss=1), lab.Phase(3.6, loss=0)])

# %% [markdown]
# Say what your buffer will do, then look.

# %% tags=["needs-solution"]
call = lab.call(video=lab.TestPattern(), link=(there, back), jitter_buffer=MyBuffer, seed=1)
waits_forever = await call.record(5)
frame_counts(waits_forever)

# %% [markdown]
# No call possible? Run this instead: `waits_forever = lab.load_run("../data/jitter-broken.run")`.
#
# The same with the lab's own buffer, which gives a hole up after 0.4 seconds and asks for a key
# frame.

# %%
call = lab.call(video=lab.TestPattern(), link=(there, back), jitter_buffer="marker", seed=1)
gives_up = await call.record(5)
frame_counts(gives_up)

# %% [markdown]
# No call possible? Run this instead: `gives_up = lab.load_run("../data/jitter-patient.run")`.

# %% tags=["needs-solution"]
plots.plot_latency([waits_forever, gives_up], names=["waits forever", "gives up"])

# %% [markdown]
# Your line ends near second 3. No point means no picture. (The chart counts from the start of the
# recording, which is a little later than that of the call.)
#
# aiortc asks only when it *notices* a gap, and it notices each gap once. The repeated packet never
# comes, and your buffer waits for ever: the picture stands still, though the network is fine.
# (libwebrtc would ask again after each round trip. What is missing in one part, another can make
# up for.)
#
# ## Food for thought
#
# - Draw what lies in `self.packets` while the picture stands still. Add a rule that gives up: when,
#   and where may the next frame start? Return `True` once, so that a key frame is asked for. Then
#   run the cells above again.
# - A packet can arrive after its frame is out (a repeated one that was not needed). Where does it
#   stay in your class, and for how long?
# - The lab's buffer gives up after 0.4 s. What speaks for 0.1 s, what for 2 s?
# - libwebrtc does not hand a frame out at once even if it is whole. Why might that be better to
#   look at?
#
# ## Troubleshooting
#
# - **`NotImplementedError`**: the body of `take` is still the one that we left. Write yours, run
#   its cell, then this one again.
# - **`The jitter buffer MyBuffer failed in add()`**: your class raised an error within the call;
#   the message has its line. Try it on the packets first.
# - **`… did not come back within 2 s`**: a loop in `add` or `take` never ends. The message has its
#   line.
# - **`No frame arrived within …`**: `take` never returns a frame. Does `self.next` move on?
# - **You changed the class and nothing changed**: run its cell again; a call takes the class as it
#   is when the call starts.
# - **You cannot make the calls**: load our runs; below each call stands how. The first two are the
#   solution's.
#
# ## Clean up
#
# Every call here ended with its recording. Keep your best run, if there is one.

# %% tags=["needs-solution"]
from pathlib import Path

Path("../runs").mkdir(exist_ok=True)
mine.save("../runs/my-buffer.run", force=True)

# %% [markdown]
# ## Next
#
# Back to [06 · Latency](../06-latency.ipynb), with an answer to its second question: *with a better
# rule*.
