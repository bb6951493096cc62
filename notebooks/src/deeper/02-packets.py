# %% [markdown]
# # Deeper: one frame in its packets
#
# **You will** take a real call's packets apart, bit by bit. You will find out how the numbers in
# them were agreed on. Then you will make two sides agree on another codec, and on none.
#
# It takes about 30 minutes. You should have done [02 · Codecs](../02-codecs.ipynb).

# %%
import pandas as pd

import labkit as lab
from labkit.codecs import describe_packet, describe_rtp

# %% [markdown]
# ## Predict
#
# Most networks carry at most 1500 bytes in one packet. A frame that is larger is cut up. The first
# frame of a call is a key frame, of 640 × 480 pixels here.

# %%
guess = lab.predict("How many packets does the first frame of a VP8 call take?", unit="packets")
guess

# %% [markdown]
# ## Take one frame apart
#
# A Run keeps the bytes of its first packets: on the wire, where they are encrypted, and as the
# peers see them (`layer == "rtp"`). Here is a call of a second.

# %%
run = await lab.call(video=lab.TestPattern(640, 480), seed=1).record(1)
sent = run.packets.query("layer == 'rtp' and kind == 'rtp'").sort_values("sent_s")
sent[["sequence", "rtp_timestamp", "size_bytes"]].head(8)

# %% [markdown]
# No call possible? Put `run = lab.load_run("../data/codecs-packets-vp8.run")` into the first line.
#
# All packets of a frame have the same timestamp. So this is the first frame:

# %%
first = sent[sent["rtp_timestamp"] == sent["rtp_timestamp"].iloc[0]]
guess.compare(len(first))

# %% [markdown]
# The timestamp counts 90,000 to the second. Between two frames it grows by about 90,000 ÷ 30 =
# 3000:

# %%
sent["rtp_timestamp"].drop_duplicates().diff().dropna().head(4).tolist()

# %% [markdown]
# Now the first packet, from its first bit on. `bits` is how wide a field is. Up to the SSRC it is
# the header of RTP ([RFC 3550, section 5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)).
# Then come extensions ([RFC 8285](https://www.rfc-editor.org/rfc/rfc8285)). Then begins VP8 ([RFC
# 7741, section 4](https://www.rfc-editor.org/rfc/rfc7741#section-4)).

# %%
pd.set_option("display.max_rows", 60, "display.max_colwidth", None)
pd.DataFrame(describe_packet("vp8", first["data"].iloc[0]))

# %% [markdown]
# Find three things: the width and height of the picture, that it is a key frame, and the marker
# `M`.
#
# The packets of a frame differ in two bits. `S` is 1 in the first one: here the frame begins. `M`
# is 1 in the last one: here it ends.

# %%
for number, data in first[["sequence", "data"]].itertuples(index=False):
    marker = next(field.value for field in describe_rtp(data) if field.field == "M")
    start = next(field.value for field in describe_packet("vp8", data) if field.field == "S")
    print(number, "M", marker, "S", start)

# %% [markdown]
# What does the packing cost? Compare the frame with all its packets.

# %%
frame_bytes = int(run.frames["size_bytes"].iloc[0])
packet_bytes = int(first["size_bytes"].sum())
print(f"{frame_bytes} bytes of picture in {packet_bytes} bytes of packets")

# %% [markdown]
# ## H.264 packs in another way
#
# The same call in H.264.

# %%
run264 = await lab.call(video=lab.TestPattern(640, 480), codec="h264", seed=1).record(1)
sent264 = run264.packets.query("layer == 'rtp' and kind == 'rtp'").sort_values("sent_s")
first264 = sent264[sent264["rtp_timestamp"] == sent264["rtp_timestamp"].iloc[0]]
print(len(first264), "packets")

# %% [markdown]
# No call possible? Put `run264 = lab.load_run("../data/codecs-packets-h264.run")` into the first
# line.
#
# H.264 is made of *NAL units*. Small ones share a packet (**STAP-A**), a large one is cut into
# several (**FU-A**), see [RFC 6184, section 5](https://www.rfc-editor.org/rfc/rfc6184#section-5).
# These are the types in each packet:

# %%
for number, data in first264[["sequence", "data"]].itertuples(index=False):
    types = [field.meaning for field in describe_packet("h264", data) if field.field == "Type"]
    print(number, "; ".join(types))

# %% [markdown]
# SPS and PPS are what a decoder must know before the first picture: size, profile and so on. Who
# misses them sees nothing.
#
# And what is that SEI? Its bytes are a text. Read it:

# %%
data = first264["data"].iloc[0]
start = data.find(b"x264")
print(data[start : start + 120].decode("ascii", "replace") if start >= 0 else "not here")

# %% [markdown]
# The encoder tells the world who it is, and how it was set up. Did you know that your program sends
# that?
#
# ## Who decides what 97 means?
#
# In the header stood a payload type, `PT`. It is only a number:

# %%
for name, packets in {"vp8": first, "h264": first264}.items():
    fields = {field.field: field.value for field in describe_rtp(packets["data"].iloc[0])}
    print(name, "PT", fields["PT"])

# %% [markdown]
# What it means was said before the call, in the offer. `rtpmap` gives a number to a codec, `fmtp`
# has its settings, `rtcp-fb` says how the receiver may complain. This is the H.264 call's.

# %%
offer = run264.messages.query("name == 'offer'")["body"].iloc[0]
wanted = ("m=video", "a=rtpmap", "a=fmtp", "a=rtcp-fb")
print("\n".join(line for line in offer.splitlines() if line.startswith(wanted)))

# %% [markdown]
# - `profile-level-id`: `42` is the profile Baseline, with `e0` behind it *Constrained* Baseline;
#   `1f` is level 3.1
#   ([RFC 6184, section 8.1](https://www.rfc-editor.org/rfc/rfc6184#section-8.1)).
# - `nack`: “packet 5 is missing, send it again.” The repeated packet travels as **rtx**, with a
#   number of its own; `apt` says for which codec.
# - `nack pli`: “I have lost the picture, send a key frame.”
# - `goog-remb`: “I can take about this many bits a second.”
#
# ## Let two sides agree
#
# One side offers what it has, its favourite first. The other answers with what both have. No
# network is needed for that, so here are two plain aiortc peers, which never connect.

# %%
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender

has = RTCRtpSender.getCapabilities("video").codecs


def peer(*names):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    wanted = [codec for name in names for codec in has if codec.mimeType == f"video/{name}"]
    pc.addTransceiver("video").setCodecPreferences(wanted)
    return pc


# %%
def in_words(sdp):
    lines = [line for line in sdp.splitlines() if line.startswith(("m=video", "a=rtpmap"))]
    return "\n".join(lines)


async def agree(alice, bob):
    offer = await alice.createOffer()
    await bob.setRemoteDescription(offer)
    answer = await bob.createAnswer()
    print("OFFER", in_words(offer.sdp), "ANSWER", in_words(answer.sdp), sep="\n")
    await alice.close()
    await bob.close()


# %% [markdown]
# Alice prefers VP8, bob has no wish of his own.

# %%
await agree(peer("VP8", "H264", "rtx"), peer())

# %% [markdown]
# The same offer, but bob prefers H.264. Which number comes first in the answer's `m=` line?

# %%
await agree(peer("VP8", "H264", "rtx"), peer("H264", "VP8", "rtx"))

# %% [markdown]
# So the order in the answer is bob's, and alice will send him the first one.
# **`setCodecPreferences` on either side changes the call.**
#
# Now they have nothing in common.

# %%
alice, bob = peer("H264"), peer("VP8")
try:
    await agree(alice, bob)
except Exception as error:
    print(type(error).__name__, error)
await alice.close()
await bob.close()

# %% [markdown]
# That is how it looks in aiortc: an error while bob reads the offer. A browser does not raise an
# error. It *rejects* that one medium: the answer's line is `m=video 0`, and the rest of the call
# goes on ([RFC 3264, section 6](https://www.rfc-editor.org/rfc/rfc3264#section-6)). You see a call
# without a picture, and no error anywhere. Look for the zero.
#
# ## Food for thought
#
# - How many packets does a *later* frame take? Group `sent` by `rtp_timestamp`. What happens to a
#   frame of five packets when 2 % of the packets get lost, and to one of one packet?
# - Add `link=lab.Link(loss=0.1)` to the call. Find packets of the kind `rtx` and take one apart
#   with `describe_packet("vp8", data, rtx=True)`. Which packet does it repeat?
# - Why are numbers like 97 agreed on for every call, while PCMU always has 0?
#   ([RFC 3551, section 6](https://www.rfc-editor.org/rfc/rfc3551#section-6))
# - In the wire's packets the header of RTP can be read, though the rest is encrypted. Try
#   `describe_rtp` on a row with `layer == "wire"` and `kind == "rtp"`. What does a listener learn?
#
# ## Troubleshooting
#
# - **`It is not bytes: a Run keeps the bytes of its first packets only`**: take an earlier row.
# - **H.264 is missing**: this PyAV has no libx264. Load our run; below the call stands how.
# - **`Cannot create an offer with no media`**, or the peer is closed: run the cell that makes the
#   peers again.
# - **You cannot make the calls**: load our runs, which have the bytes of the first packets. Below
#   each call stands how.
#
# ## Clean up
#
# The calls ended with their recordings, and the peers are closed. For Wireshark, keep the packets:

# %%
from pathlib import Path

Path("../runs").mkdir(exist_ok=True)
run.to_pcapng("../runs/my-packets.pcapng")

# %% [markdown]
# ## Next
#
# Back to [02 · Codecs](../02-codecs.ipynb), or on to [06 · Latency](../06-latency.ipynb).
