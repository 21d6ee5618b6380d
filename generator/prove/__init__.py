"""Proofs: cases put on timelines, run with promtool; mutants that they have to notice; rules that dashboards keep."""
