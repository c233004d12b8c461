# cli.mk - the command. It links the core and not the public library: `inspect` shows files that the public interface refuses.
