import numba
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tasks.numeric.parallel import for_each_block, single_threaded_blas


def _blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_single_threaded_blas__holds_one_thread_and_restores():
    with threadpool_limits(2, user_api="blas"):
        with single_threaded_blas():
            inside = _blas_threads()
        assert inside == {1}
        assert _blas_threads() == {2}


def test_single_threaded_blas__restores_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(KeyError), single_threaded_blas():
            raise KeyError
        assert _blas_threads() == {2}


def test_single_threaded_blas__lasts_until_the_last_holder_leaves():
    first, second = single_threaded_blas(), single_threaded_blas()
    with threadpool_limits(2, user_api="blas"):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        held = _blas_threads()
        second.__exit__(None, None, None)

        assert held == {1}
        assert _blas_threads() == {2}


@pytest.mark.parametrize("threads", [1, numba.config.NUMBA_NUM_THREADS])
@pytest.mark.parametrize("n_blocks", [0, 1, 17])
def test_for_each_block__calls_every_block_once(threads, n_blocks):
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        seen = []
        for_each_block(seen.append, n_blocks)
    finally:
        numba.set_num_threads(before)

    assert sorted(seen) == list(range(n_blocks))


def test_for_each_block__raises_what_a_block_raises():
    def work(block):
        if block == 3:
            raise ValueError("block 3 is bad")

    with pytest.raises(ValueError, match="block 3 is bad"):
        for_each_block(work, 8)
