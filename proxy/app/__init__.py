"""The composition root: every long-lived part is made here, in order, and nowhere else."""
