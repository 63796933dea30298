"""Continuous time, whatever the medium: triggers in compiled code, a replica from event to event, ensembles, histories."""
