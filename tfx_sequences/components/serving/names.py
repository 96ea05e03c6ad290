"""Names of an exported model: its signatures, their inputs and outputs. This module imports nothing.

`exported_model.py` describes the signatures. The names of predictions belong to the kinds of labels, see
`schemas.kinds.declared_kind`.
"""

# Signatures.
SERVING_SIGNATURE = "serving_default"
EXAMPLE_SIGNATURE = "serving_example"
ELWC_SIGNATURE = "serving_elwc"
TENSOR_SIGNATURE = "serving_tensors"
TRANSFORM_SIGNATURE = "transform_features"
EVALUATION_SIGNATURE = "evaluation_inputs"
MEASURES_SIGNATURE = "evaluation_outputs"
# The signatures for requests that take serialized records.
RECORD_SIGNATURES = (SERVING_SIGNATURE, EXAMPLE_SIGNATURE, TRANSFORM_SIGNATURE)

# The input of all signatures but TENSOR_SIGNATURE: serialized records.
EXAMPLES = "examples"

# More outputs of MEASURES_SIGNATURE. Each follows its head's prefix; CUT_STEPS has no prefix.
SUMS, OUTPUTS, TARGETS, WEIGHTS = "sums", "outputs", "targets", "weights"
CUT_STEPS = "cut_steps"
