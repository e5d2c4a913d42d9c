"""libpq, as far as tests need it: sessions that ask and are told."""
import ctypes
import select
import time

BAD, TUPLES_OK, COMMAND_OK, EMPTY = 1, 2, 1, 0
SQLSTATE = ord("C")


class Refused(Exception):
    """What PostgreSQL or libpq says; `state` is the SQLSTATE, "" if there is
    none, as where the connection is lost."""

    def __init__(self, text, state=""):
        super().__init__(text.strip())
        self.state = state


class Notify(ctypes.Structure):
    _fields_ = [("relname", ctypes.c_char_p), ("be_pid", ctypes.c_int),
                ("extra", ctypes.c_char_p), ("next", ctypes.c_void_p)]


def loaded():
    library = ctypes.CDLL("libpq.so.5")
    for name in ("PQerrorMessage", "PQresultErrorMessage", "PQgetvalue",
                 "PQresultErrorField", "PQparameterStatus", "PQport", "PQhost"):
        getattr(library, name).restype = ctypes.c_char_p
    for name in ("PQconnectdb", "PQexec", "PQgetCancel", "PQexecParams"):
        getattr(library, name).restype = ctypes.c_void_p
    library.PQnotifies.restype = ctypes.POINTER(Notify)
    return library


PQ = loaded()
RECEIVER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class Session:
    """A connection. What it waits for, it waits for without Python's lock, so
    that other threads go on. `notices` has (SQLSTATE, text)."""

    def __init__(self, conninfo):
        self.notices = []
        self.conn = ctypes.c_void_p(PQ.PQconnectdb(conninfo.encode()))
        if PQ.PQstatus(self.conn) != 0:
            text = self.error()
            self.close()
            raise Refused(text)
        self.receiver = RECEIVER(self.noticed)
        PQ.PQsetNoticeReceiver(self.conn, self.receiver, None)

    def error(self):
        return PQ.PQerrorMessage(self.conn).decode(errors="replace")

    def noticed(self, _, result):
        result = ctypes.c_void_p(result)
        self.notices.append((
            (PQ.PQresultErrorField(result, SQLSTATE) or b"").decode(),
            PQ.PQresultErrorMessage(result).decode(errors="replace").strip()))

    def rows(self, sql, *values):
        """Rows of texts, None where NULL is; [] from what has no rows. `values`
        are the texts of $1, $2…; with none there may be several commands."""
        if values:
            texts = (ctypes.c_char_p * len(values))(
                *[None if v is None else str(v).encode() for v in values])
            result = PQ.PQexecParams(self.conn, sql.encode(), len(values), None,
                                     texts, None, None, 0)
        else:
            result = PQ.PQexec(self.conn, sql.encode())
        result = ctypes.c_void_p(result)
        try:
            return self.taken(result)
        finally:
            PQ.PQclear(result)

    def taken(self, result):
        status = PQ.PQresultStatus(result)
        if status not in (EMPTY, COMMAND_OK, TUPLES_OK):
            state = PQ.PQresultErrorField(result, SQLSTATE) or b""
            raise Refused(PQ.PQresultErrorMessage(result).decode(
                errors="replace") or self.error(), state.decode())
        return [tuple(
            None if PQ.PQgetisnull(result, row, column) else
            PQ.PQgetvalue(result, row, column).decode()
            for column in range(PQ.PQnfields(result)))
            for row in range(PQ.PQntuples(result))]

    def one(self, sql, *values):
        """The first column of the first row."""
        return self.rows(sql, *values)[0][0]

    def notified(self, seconds=0):
        """What LISTEN has brought, as (channel, text), or brings in this time."""
        end, found = time.monotonic() + seconds, []
        while True:
            if not PQ.PQconsumeInput(self.conn):
                raise Refused(self.error())
            while (one := PQ.PQnotifies(self.conn)):
                found.append((one.contents.relname.decode(),
                              one.contents.extra.decode()))
                PQ.PQfreemem(one)
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            select.select([self.descriptor()], [], [], left)

    def descriptor(self):
        return PQ.PQsocket(self.conn)

    def pid(self):
        """Of the process of the server."""
        return PQ.PQbackendPID(self.conn)

    def port(self):
        return int(PQ.PQport(self.conn))

    def cancel(self):
        """May be called by another thread."""
        said = ctypes.create_string_buffer(256)
        order = ctypes.c_void_p(PQ.PQgetCancel(self.conn))
        PQ.PQcancel(order, said, 256)
        PQ.PQfreeCancel(order)

    def close(self):
        if self.conn:
            PQ.PQfinish(self.conn)
            self.conn = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
