"""What anybody might send."""

from hypothesis import strategies as st

# Any text that an HTTP client agrees to send as a header's value.
header_text = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80).map(
    str.strip
)

# Any JSON, small; numbers and texts at their limits among it.
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**30, "", "\0", "x" * 5000, "0001-01-01T00:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip
