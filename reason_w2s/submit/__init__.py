"""A recipe as dependent Slurm jobs: what they are, their scripts, and handing them in."""
