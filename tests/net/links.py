"""Hypothesis strategies: any link that a user may ask for."""

from __future__ import annotations

from hypothesis import strategies as st

from labkit.net import Exact, GilbertElliott, Iid, Link, Phase, Trace

shares = st.floats(0, 1)
traces = st.lists(st.integers(0, 200), min_size=1, max_size=20).map(
    lambda times: Trace((*sorted(times), 201))
)
loss_models = st.one_of(
    st.builds(Iid, shares),
    st.builds(GilbertElliott, shares, shares, shares, shares),
    st.builds(Exact, shares, st.integers(1, 300)),
)
rates = st.one_of(st.none(), st.floats(1, 5_000))


@st.composite
def links(draw: st.DrawFn) -> Link:
    """Any link without phases and without a seed of its own."""
    trace = draw(st.one_of(st.none(), traces))
    return Link(
        delay_ms=draw(st.floats(0, 500)),
        jitter_ms=draw(st.floats(0, 100)),
        loss=draw(st.one_of(st.floats(0, 0.75), loss_models)),
        loss_model=draw(st.sampled_from(["iid", "burst", "exact"])),
        rate_kbps=None if trace else draw(rates),
        queue_bytes=draw(st.integers(1_528, 60_000)),
        duplicate=draw(shares),
        reorder=draw(st.booleans()),
        trace=trace,
    )


@st.composite
def phased_links(draw: st.DrawFn) -> Link:
    """Any link with up to three phases and perhaps a seed."""
    times = sorted(draw(st.lists(st.floats(0, 100), max_size=3)))
    changes = st.fixed_dictionaries(
        {}, optional={"delay_ms": st.floats(0, 50), "loss": loss_models}
    )
    phases = tuple(Phase(at_s, **draw(changes)) for at_s in times)
    return draw(links()).replace(phases=phases, seed=draw(st.none() | st.integers(0, 2**40)))


arrivals = st.lists(st.tuples(st.floats(0, 0.1), st.integers(0, 1_500)), min_size=1, max_size=250)
"""(seconds since the one before, size in bytes) of datagrams one after another."""
