"""The constant parts of what training logs, by which a display knows them."""

EPOCH = "Epoch %d/%d: %s"
WITHIN_EPOCH = "Epoch %d/%d, step %d: %s"
