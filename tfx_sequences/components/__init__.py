"""What reads, transforms, trains, serves and evaluates, in wings that import only what stands before them. May import
`schemas`. Start at `input/sequence_input.py` for batches, at `network/model.py` for the model, and at `stages` for the
components of the pipeline.
"""
