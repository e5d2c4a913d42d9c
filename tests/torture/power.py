"""A disk whose power is cut: record_disk writes what happened to it, and this
makes of that what the disk may hold after a cut at any point.

What a sync (fsync, fdatasync) returned for is there. Of the rest each block of a
file is as it was after any of the writes since, or before all of them; the size
is one of those that it had; bytes that were never written are 0. Names are kept
in order, up to any of them, as a journal does (`ordered`: a sync of any file or
folder then keeps all earlier ones), or each for itself, as long as its folder is
not synced. Owners and modes are never lost.
"""
import collections
import ctypes
import os
import random
import stat
import struct
import subprocess

ENTRY = struct.Struct("<6I6Q")
(MAKE, LINK, REMOVE, RENAME, EXCHANGE, WRITE, SIZE, SYNC, OWNER) = range(1, 10)
Entry = collections.namedtuple(
    "Entry", "op mode uid gid ino ino2 dir dir2 offset len name name2 data")
PAGE, SECTOR = 4096, 512


def read_log(path):
    """Each entry, and where it ends in the log."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        (op, mode, uid, gid, name_len, name2_len, ino, ino2, folder, folder2,
         offset, size) = ENTRY.unpack_from(data, at)
        at += ENTRY.size
        name, at = data[at:at + name_len].decode(), at + name_len
        name2, at = data[at:at + name2_len].decode(), at + name2_len
        held = size if op == WRITE else 0
        entry = Entry(op, mode, uid, gid, ino, ino2, folder, folder2, offset,
                      size, name, name2, data[at:at + held])
        at += held
        yield entry, at


class Cut:
    """How a cut chooses: all of it follows from the seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.block = self.random.choice((PAGE, PAGE, SECTOR))
        self.ordered = self.random.random() < 0.5
        self.kept = self.random.choice((0.0, 0.5, 0.5, 0.9, 1.0))

    def __str__(self):
        return "blocks of %d, names %s, %d %% kept" % (
            self.block, "in order" if self.ordered else "each for itself",
            100 * self.kept)

    def some(self, count):
        """How many of the last `count` changes of one thing are there."""
        return sum(self.random.random() < self.kept for _ in range(count)) \
            if self.kept in (0.0, 1.0) else self.random.randint(0, count)


class File:
    """What a file holds for sure, and what was done since."""

    def __init__(self, mode, uid, gid, data=b""):
        self.mode, self.uid, self.gid = mode, uid, gid
        self.safe = bytearray(data)
        self.pending = []  # (offset, bytes) or (size, None)

    @staticmethod
    def apply(data, offset, piece):
        if piece is None:
            if offset < len(data):
                del data[offset:]
            else:
                data.extend(bytes(offset - len(data)))
            return
        if len(data) < offset + len(piece):
            data.extend(bytes(offset + len(piece) - len(data)))
        data[offset:offset + len(piece)] = piece

    def sync(self):
        for change in self.pending:
            self.apply(self.safe, *change)
        self.pending = []

    def _sizes(self, cut):
        """The size of after some of the changes, and which of these it was."""
        size, sizes = len(self.safe), []
        for number, (offset, piece) in enumerate(self.pending):
            new = offset if piece is None else max(size, offset + len(piece))
            if new != size or piece is None:
                sizes.append((new, number))
            size = new
        kept = cut.some(len(sizes))
        return sizes[kept - 1] if kept else (len(self.safe), -1)

    def after(self, cut):
        """What it holds after this cut."""
        if not self.pending:
            return self.safe
        size, last = self._sizes(cut)
        versions = collections.Counter()
        for offset, piece in self.pending:
            if piece:
                versions.update(range(offset // cut.block,
                                      (offset + len(piece) - 1) // cut.block + 1))
        left = {block: cut.some(count) for block, count in
                sorted(versions.items())}
        data = bytearray(self.safe)
        for number, (offset, piece) in enumerate(self.pending):
            if piece is None:
                if number <= last and offset < len(data):
                    self.apply(data, offset, None)
                continue
            self._write(data, offset, piece, cut.block, left)
        self.apply(data, size, None)
        return data

    def _write(self, data, offset, piece, block, left):
        at = 0
        while at < len(piece):
            number = (offset + at) // block
            end = min(len(piece), (number + 1) * block - offset)
            if left[number] > 0:
                left[number] -= 1
                self.apply(data, offset + at, piece[at:end])
            at = end


class Change:
    """Of names: each (folder, name, number before, number after)."""

    def __init__(self, *slots):
        self.slots = slots
        self.waits = {slot[0] for slot in slots}  # folders that are not synced


class Disk:
    """All files and folders at one point of the log."""

    def __init__(self, root):
        self.files = {}
        self.again = {}    # number: of a file that now has it, made later
        self.names = {}    # (folder, name): number, for sure
        self.pending = []  # changes of names
        self.top = os.lstat(root).st_ino
        self._scan(root)

    def _scan(self, path):
        found = os.lstat(path)
        data = b""
        if stat.S_ISLNK(found.st_mode):
            data = os.readlink(path).encode()
        elif stat.S_ISREG(found.st_mode):
            with open(path, "rb") as file:
                data = file.read()
        self.files[found.st_ino] = File(
            found.st_mode, found.st_uid, found.st_gid, data)
        if not stat.S_ISDIR(found.st_mode):
            return
        for name in sorted(os.listdir(path)):
            inner = os.path.join(path, name)
            self.names[found.st_ino, name] = os.lstat(inner).st_ino
            self._scan(inner)

    # ---- what happened ----

    def _made(self, entry):
        """A new file or folder; its number may have been another one's."""
        if entry.ino in self.files:
            self.again[entry.ino] = entry.ino + (len(self.again) + 1 << 64)
        self.files[self._of(entry.ino)] = File(
            entry.mode, entry.uid, entry.gid)

    def _of(self, ino):
        return self.again.get(ino, ino)

    def play(self, entry):
        if entry.op == MAKE:
            self._made(entry)
        ino, ino2, folder, folder2 = map(
            self._of, (entry.ino, entry.ino2, entry.dir, entry.dir2))
        if entry.op in (MAKE, LINK):
            self._name(Change((folder, entry.name, 0, ino)))
        elif entry.op == REMOVE:
            self._name(Change((folder, entry.name, ino, 0)))
        elif entry.op in (RENAME, EXCHANGE):
            left = ino2 if entry.op == EXCHANGE else 0
            self._name(Change((folder2, entry.name2, ino2, ino),
                              (folder, entry.name, ino, left)))
        elif entry.op == WRITE:
            self.files[ino].pending.append((entry.offset, entry.data))
        elif entry.op == SIZE:
            self.files[ino].pending.append((entry.offset, None))
        elif entry.op == SYNC:
            self._sync(ino)
        elif entry.op == OWNER:
            file = self.files[ino]
            file.mode, file.uid, file.gid = entry.mode, entry.uid, entry.gid

    def _name(self, change):
        self.pending.append(change)

    def _sync(self, ino):
        if ino not in self.files:
            return
        self.files[ino].sync()
        for change in self.pending:
            change.waits.discard(ino)
            change.journaled = True

    # ---- what a cut leaves ----

    def _names_after(self, cut):
        names = dict(self.names)
        unsure = [change for change in self.pending
                  if change.waits and not (
                      cut.ordered and getattr(change, "journaled", False))]
        if cut.ordered:
            kept = set(map(id, unsure[:cut.some(len(unsure))]))
        else:
            kept = {id(change) for change in unsure if cut.some(1)}
        unsure = set(map(id, unsure))
        for change in self.pending:
            if id(change) in unsure and id(change) not in kept:
                continue
            for folder, name, before, after in change.slots:
                if after:
                    names[folder, name] = after
                elif names.get((folder, name)) == before:
                    del names[folder, name]
        return names

    def cut(self, cut, target):
        """Makes in the folder `target` what is left."""
        names = self._names_after(cut)
        inside = collections.defaultdict(dict)
        for (folder, name), ino in names.items():
            inside[folder][name] = ino
        self._build(cut, self.top, inside, target, set())

    def _build(self, cut, ino, inside, path, above):
        file = self.files[ino]
        if stat.S_ISDIR(file.mode):
            os.makedirs(path, exist_ok=True)
            for name, inner in sorted(inside[ino].items()):
                if inner not in above:  # it lost the entry that moved it
                    self._build(cut, inner, inside, os.path.join(path, name),
                                above | {ino})
        elif stat.S_ISLNK(file.mode):
            os.symlink(bytes(file.safe), path)
        else:
            write_sparse(path, file.after(cut))
        if not stat.S_ISLNK(file.mode):
            os.chown(path, file.uid, file.gid)
            os.chmod(path, stat.S_IMODE(file.mode))


def write_sparse(path, data):
    with open(path, "wb") as file:
        file.truncate(len(data))
        for at in range(0, len(data), PAGE):
            piece = data[at:at + PAGE]
            if piece.strip(b"\0"):
                file.seek(at)
                file.write(piece)


class Recorded:
    """A folder, `path`, that lies on such a disk while it is entered."""

    def __init__(self, program, scratch, content=None):
        self.program = program
        self.path = os.path.join(scratch, "disk")
        self.log = os.path.join(scratch, "log")
        self.backing = os.path.join(scratch, "backing")
        if content:
            subprocess.run(["cp", "-a", content, self.backing], check=True)
        else:
            os.mkdir(self.backing)
        os.mkdir(self.path)
        os.chmod(self.backing, 0o755)
        self.disk = None
        self.before = Disk(self.backing)

    def __enter__(self):
        self.disk = subprocess.Popen(
            [self.program, self.backing, self.path, self.log],
            stdin=subprocess.DEVNULL)
        while not os.path.ismount(self.path):
            if self.disk.poll() is not None:
                raise OSError("record_disk: %d" % self.disk.returncode)
        return self

    def __exit__(self, *_):
        self.disk.terminate()
        self.disk.wait(60)
        ctypes.CDLL(None).umount2(self.path.encode(), 2)
        assert self.disk.returncode == 0, self.disk.returncode

    def now(self):
        """The point that was reached: more than any change until now."""
        return os.stat(self.log).st_size

    def cuts(self, points):
        """The disk at each of these points, in order: a function that makes
        what a cut leaves there.
        """
        disk = self.before
        entries = read_log(self.log)
        entry, end = next(entries, (None, None))
        for point in sorted(points):
            while entry is not None and end <= point:
                disk.play(entry)
                entry, end = next(entries, (None, None))
            yield point, disk
