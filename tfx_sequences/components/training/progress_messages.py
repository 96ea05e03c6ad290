"""The constant parts of training's log messages, by which a display recognizes them."""

EPOCH = "Epoch %d/%d: %s"
WITHIN_EPOCH = "Epoch %d/%d, step %d: %s"
