"""Results on disk and in memory: labelled arrays that survive a kill at any moment."""
