"""Fuzzing: inputs that nobody meant, each made from its number alone, tried one after the other in a watched process.

`chance` turns a number into random choices and `mutations` these into damage; `subjects` make inputs and try
them; `worker` is the process in which that happens, behind a `guard`; `supervision` watches it; `findings` came out.
"""
