"""Several verifiers' scores of the same traces: made comparable, turned into votes, put together.

`ensemble` combines scores as they are; `moments` and `coins` learn from votes, without gold, how
often each verifier is right (a label model), and from that how likely each trace is.
"""
