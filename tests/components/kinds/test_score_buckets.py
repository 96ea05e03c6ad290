import numpy as np
from sklearn.metrics import roc_auc_score

from tfx_sequences.components.kinds.score_buckets import BUCKETS, ScoreBuckets, by_presence

RANDOM = np.random.default_rng(2)
HOT = RANDOM.integers(0, 2, (40, 5, 3)).astype("float32")
SCORES = np.clip(RANDOM.normal(0.4 + 0.2 * HOT, 0.3), 0, 1).astype("float32")
WEIGHTS = RANDOM.choice(np.float32([0, 1, 2.5]), (40, 5))


def summed():
    return ScoreBuckets(lambda targets, outputs: (targets, outputs)).sums(HOT, SCORES, WEIGHTS).numpy()


def test_the_area_is_that_of_all_pairs():
    total = summed().astype(np.float64).sum(0)
    bucket = np.minimum(np.floor(SCORES * BUCKETS), BUCKETS - 1).ravel()
    expected = roc_auc_score(HOT.ravel(), bucket, sample_weight=np.repeat(WEIGHTS.ravel(), 3))
    np.testing.assert_allclose(ScoreBuckets(None).figures(total)["auc"], expected, rtol=1e-6)


def test_each_row_sums_up_its_own():
    negative, positive = by_presence(summed().T)
    np.testing.assert_allclose(positive.sum(0), (HOT * WEIGHTS[..., None]).sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(negative.sum(0), ((1 - HOT) * WEIGHTS[..., None]).sum((1, 2)), rtol=1e-6)


def test_of_one_side_alone_there_is_no_area():
    total = summed().sum(0)
    part = ScoreBuckets(None)
    assert part.undefined(total, {}) == set()
    assert part.undefined(np.concatenate([np.zeros(BUCKETS), total[BUCKETS:]]), {}) == {"auc"}
