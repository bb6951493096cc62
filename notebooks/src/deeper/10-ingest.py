# %% [markdown]
# # Deeper: into a room by WHIP, and out of it as a film
#
# **You will** publish into a room with three HTTP requests, see that the server passes your codec
# on as it is, and write down what is said in the room as MP4 and HLS.
#
# It takes about 20 minutes. You should have done [09 · Rooms](../09-rooms.ipynb).

# %%
import labkit as lab
from labkit import rooms

# %% [markdown]
# ## Predict
#
# A camera sends VP8 into the room. One viewer's app prefers H.264.

# %%
guess = lab.predict("How many pictures does the server decode in a minute?", unit="pictures")
guess

# %% [markdown]
# ## Food for thought
#
# - What would it cost if the server did?
#
# ## Troubleshooting
#
# - **There is no LiveKit server**: the first cell says why.
#
# ## Clean up
#
# Nothing is open.
#
# ## Next
#
# Back to [09 · Rooms](../09-rooms.ipynb).
