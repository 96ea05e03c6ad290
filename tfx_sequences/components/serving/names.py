"""The names of an exported model: its signatures, their input, and their outputs. It imports nothing.

`exported_model.py` says what each signature gives. The names of answers belong to the kinds of labels, see
`schemas.kinds.declared_kind`.
"""

# Signatures.
SERVING_SIGNATURE = "serving_default"
EXAMPLE_SIGNATURE = "serving_example"
TENSOR_SIGNATURE = "serving_tensors"
TRANSFORM_SIGNATURE = "transform_features"
EVALUATION_SIGNATURE = "evaluation_inputs"
MEASURES_SIGNATURE = "evaluation_outputs"
# Those that take serialized records and are meant for requests.
RECORD_SIGNATURES = (SERVING_SIGNATURE, EXAMPLE_SIGNATURE, TRANSFORM_SIGNATURE)

# The input of all signatures but TENSOR_SIGNATURE: serialized records.
EXAMPLES = "examples"

# Further outputs of MEASURES_SIGNATURE, after the prefix of their head; CUT_STEPS has no prefix.
SUMS, OUTPUTS, TARGETS, WEIGHTS = "sums", "outputs", "targets", "weights"
CUT_STEPS = "cut_steps"
