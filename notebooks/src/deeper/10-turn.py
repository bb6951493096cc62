# %% [markdown]
# # Deeper: TURN, and the proof of a relay
#
# **You will** let bob reach a room through a relay alone, by LiveKit's own TURN server and by
# coturn, and prove from the candidates that he did. Then you will take the relay away.
#
# It takes about 15 minutes. You should have done [09 · Rooms](../09-rooms.ipynb).

# %%
import labkit as lab
from labkit import rooms

# %% [markdown]
# ## Predict
#
# Some networks let no UDP through but to one address. There a **TURN** server
# ([RFC 8656](https://www.rfc-editor.org/rfc/rfc8656)) takes every datagram and passes it on.

# %%
guess = lab.predict("Relayed on one computer: how much longer is the round trip?", unit="ms")
guess

# %% [markdown]
# ## Food for thought
#
# - Who pays for the relay's traffic?
#
# ## Troubleshooting
#
# - **There is no coturn**: install it, or go on with what was recorded.
#
# ## Clean up
#
# Nothing is open.
#
# ## Next
#
# Back to [09 · Rooms](../09-rooms.ipynb).
