"""still.py - the public library through ctypes: just what reference.py needs.

In:       path of libstillpoint.so.  Out: tokens of a text; logits of every position of a window, in pieces.
Not here: the command.
"""

import ctypes as c

import numpy as np

ADD_BOS = 2
PIECE = 128                                                 # positions handed over at once
POSITION_FN = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_size_t, c.POINTER(c.c_float), c.c_size_t)


class Error(c.Structure):
    _fields_ = [("size", c.c_size_t), ("status", c.c_int), ("text", c.c_char * 512)]


class Failure(Exception):
    pass


class Library:
    def __init__(self, path):
        self.dll = c.CDLL(path)
        for name in ("still_settings_new",):
            getattr(self.dll, name).restype = c.c_void_p
        for name in ("still_session_error", "still_settings_error", "still_model_error"):
            getattr(self.dll, name).restype = c.c_char_p

    def settings(self, **values):
        handle = c.c_void_p(self.dll.still_settings_new())
        for key, value in values.items():
            if self.dll.still_set(handle, key.replace("_", "-").encode(), str(value).encode()):
                raise Failure(self.dll.still_settings_error(handle).decode())
        return handle


class Session:
    """A model and a session with the same settings."""

    def __init__(self, library, path, **settings):
        self.dll, self.handle, self.model = library.dll, c.c_void_p(), c.c_void_p()
        chosen, error = library.settings(**settings), Error(size=c.sizeof(Error))
        if self.dll.still_model_open(path.encode(), chosen, None, c.byref(self.model), c.byref(error)):
            raise Failure(error.text.decode())
        if self.dll.still_session_open(self.model, chosen, None, c.byref(self.handle), c.byref(error)):
            raise Failure(error.text.decode())
        self.dll.still_settings_free(chosen)

    def close(self):
        self.dll.still_session_close(self.handle)
        self.dll.still_model_close(self.model)

    def tokens(self, text, flags=ADD_BOS):
        n = c.c_size_t()
        room = (c.c_int32 * (len(text) + 1))()
        if self.dll.still_tokenize(self.model, text, c.c_size_t(len(text)), c.c_uint(flags), room, c.c_size_t(len(room)),
                                   c.byref(n)):
            raise Failure(self.dll.still_model_error(self.model).decode())
        return list(room[:n.value])

    def positions(self, ids, take):
        """Runs the window and calls take(first, logits [n, n_vocab]) for consecutive pieces, position len(ids) - 1 left out."""
        waiting = []

        def flush():
            if waiting:
                take(waiting[0][0], np.stack([row for _, row in waiting]))
                waiting.clear()

        def each(_, position, logits, n_vocab):
            if position < len(ids) - 1:
                waiting.append((position, np.ctypeslib.as_array(logits, (n_vocab,)).copy()))
            if len(waiting) == PIECE:
                flush()
            return 0

        array = (c.c_int32 * len(ids))(*ids)
        status = self.dll.still_session_reset(self.handle) or self.dll.still_score(
            self.handle, array, c.c_size_t(len(ids)), c.c_size_t(0), POSITION_FN(each), None, None)
        if status:
            raise Failure(self.dll.still_session_error(self.handle).decode())
        flush()
