"""Keras 3 layers for padded sequences: features, pooling, convolution and recurrence that do not see padding.

>>> import numpy as np
>>> from tfx_sequences.layers import MaskedPooling1D
>>> steps, mask = np.array([[[1.0], [3.0], [100.0]]]), np.array([[True, True, False]])
>>> print(MaskedPooling1D("mean")(steps, mask=mask).numpy())
[[2.]]
"""

from tfx_sequences.components.features.embedding_tables import EmbeddingTables as EmbeddingTables
from tfx_sequences.components.features.feature_lengths import length_mask as length_mask
from tfx_sequences.components.features.sequence_features import ContextFeatures as ContextFeatures
from tfx_sequences.components.features.sequence_features import SequenceFeatures as SequenceFeatures
from tfx_sequences.components.network.concat_pooling import ConcatPooling1D as ConcatPooling1D
from tfx_sequences.components.network.front import MaskedConv1D as MaskedConv1D
from tfx_sequences.components.network.fused_gru import FusedGRU as FusedGRU
from tfx_sequences.components.network.fused_lstm import FusedLSTM as FusedLSTM
from tfx_sequences.components.network.padding_side import PaddingToRight as PaddingToRight
from tfx_sequences.components.network.pooling import AttentionPooling1D as AttentionPooling1D
from tfx_sequences.components.network.pooling import LastStep as LastStep
from tfx_sequences.components.network.pooling import MaskedPooling1D as MaskedPooling1D
from tfx_sequences.components.network.recurrent import KernelMask as KernelMask
