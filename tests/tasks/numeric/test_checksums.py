import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.numeric.checksums import crc32_each


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_crc32_each__is_that_of_zlib(texts):
    offsets = np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype(np.int64)

    found = crc32_each(offsets, np.frombuffer(b"".join(texts), np.uint8))

    assert found.tolist() == [zlib.crc32(text) for text in texts]
