"""Who computes: threads, processes, Dask and SLURM, all by the same loop over units of a store."""
