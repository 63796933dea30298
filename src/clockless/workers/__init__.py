"""Who computes: threads, processes, Dask and SLURM, all by the same loop over jobs of a store."""
