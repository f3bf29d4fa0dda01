#!/usr/bin/env python3
"""Circles among the files of a crate: files that cannot be read one after the other.

A file needs another one where it names something that is defined there, in a `use` or in a
path. What a file re-exports counts as defined where it really is, and a re-export that the
file does not use itself is no need. Tests are exempt.

    python3 scripts/circles.py            # prints circles; fails for crates that must have none
    python3 scripts/circles.py --needs X  # prints what each file of crate X needs, and where
"""
import os
import re
import sys

# Crates that must have no circle, by the folder's name.
FREE = {"app", "cli", "core", "data", "engine", "heap", "hub", "launch", "mapped", "packed", "plot", "remote", "store"}

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CRATES = os.path.join(ROOT, "src-tauri", "crates")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|::|[^\sA-Za-z0-9_]|[0-9][A-Za-z0-9_]*")
WORD = re.compile(r"[A-Za-z_]")
ITEMS = {"struct", "enum", "union", "trait", "type", "fn", "const", "static", "mod"}
BEGIN_ITEM = ITEMS | {"pub", "use", "impl", "async", "unsafe", "extern", "let", "macro_rules"}
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
# One alternative a line: comments and texts, none of which name anything, and lifetimes.
BLANKED = re.compile(
    r"""//[^\n]*"""
    r"""|b?r(?P<hashes>\#*)"(?:.|\n)*?"(?P=hashes)"""
    r"""|b?"(?:\\(?:.|\n)|[^"\\])*\""""
    r"""|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'"""
    r"""|'[A-Za-z_][A-Za-z0-9_]*"""
    r"""|/\*(?:.|\n)*?\*/"""
)


class Token(str):
    """A word or sign, and the line on which it is."""

    line = 0


class Module:
    def __init__(self, parent, file, folder):
        self.parent, self.file, self.folder = parent, file, folder
        self.children, self.items = {}, set()
        # Names that `use` brings, each a path as long as it takes; and modules used whole.
        self.names, self.globs = {}, []
        # What is to be resolved once all is read: paths with lines, words of the code.
        self.paths, self.reexports, self.words = [], [], set()

    def root(self):
        return self if self.parent is None else self.parent.root()


def tokens_of(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # Attributes name files in texts: those are kept.
    paths = {match.start(2): match.group(2) for match in re.finditer(r'#\[path\s*=\s*("([^"]*)")', text)}
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    text = BLANKED.sub(blank, text)
    tokens, line, last = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        token = Token(match.group(0))
        token.line = line
        tokens.append(token)
    return tokens, paths


def group_end(tokens, at):
    """Where the group that opens at `at` closes."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index] in OPENING:
            depth += 1
        elif tokens[index] in CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return len(tokens) - 1


def skip_item(tokens, at):
    """Past an item, a field or a statement."""
    while tokens[at] == "#":
        at = group_end(tokens, at + 1) + 1
    whole = tokens[at] in BEGIN_ITEM
    while at < len(tokens):
        if tokens[at] in CLOSING:
            return at
        if tokens[at] == ";" or (tokens[at] == "," and not whole):
            return at + 1
        if tokens[at] in OPENING:
            braces = tokens[at] == "{"
            at = group_end(tokens, at)
            if braces and tokens[at + 1 : at + 2] != [";"]:
                return at + 1
        at += 1
    return at


def use_tree(tokens, at, before):
    """The paths of a `use`, each with the name that it gets; "*" for all names."""
    path = list(before)
    while True:
        token = tokens[at]
        if token == "{":
            end, found = group_end(tokens, at), []
            at += 1
            while at < end:
                more, at = use_tree(tokens, at, path)
                found += more
                at += tokens[at] == ","
            return found, end + 1
        if token == "*":
            return [(path, "*", token.line)], at + 1
        if token == "::":
            at += 1
            continue
        if token != "self" or not path:
            path.append(token)
        at += 1
        if tokens[at] == "::":
            continue
        name = path[-1]
        if tokens[at] == "as":
            name, at = tokens[at + 1], at + 2
        return [(path, str(name), token.line)], at


def read(module, tokens, paths):
    at, depth, public = 0, 0, False
    while at < len(tokens):
        token = tokens[at]
        if token == "#":
            start = at + (2 if tokens[at + 1] == "!" else 1)
            end = group_end(tokens, start)
            attribute = tokens[start : end + 1]
            at = end + 1
            if "cfg" in attribute and "test" in attribute and "not" not in attribute:
                at = skip_item(tokens, at)
            continue
        if token == "pub":
            public, at = True, at + 1
            if tokens[at] == "(":
                at = group_end(tokens, at) + 1
            continue
        if token == "use":
            found, at = use_tree(tokens, at + 1, [])
            for path, name, line in found:
                if name == "*":
                    module.globs.append((path, line))
                    continue
                module.names[name] = path
                (module.reexports if public else module.paths).append((path, name, line))
            public = False
            continue
        if token == "mod" and tokens[at + 2] in (";", "{"):
            name = str(tokens[at + 1])
            folder = os.path.join(module.folder, name)
            if tokens[at + 2] == "{":
                child = Module(module, module.file, folder)
                end = group_end(tokens, at + 2)
                read(child, tokens[at + 3 : end], paths)
                at = end + 1
            else:
                beside = [os.path.join(module.folder, name + ".rs"), os.path.join(folder, "mod.rs")]
                file = next(filter(os.path.isfile, beside), None)
                if file is None:
                    raise SystemExit(f"{module.file}:{token.line}: the file of module {name} is not found")
                child = Module(module, file, folder)
                read(child, *tokens_of(file))
                at += 3
            module.children[name] = child
            public = False
            continue
        if token in ITEMS and depth == 0:
            following = [t for t in tokens[at + 1 : at + 3] if t not in ("mut", "fn", "unsafe", "async")]
            if following and WORD.match(following[0]):
                module.items.add(str(following[0]))
        if token == "macro_rules" and depth == 0:
            module.items.add(str(tokens[at + 2]))
        public = False
        depth += (token in OPENING) - (token in CLOSING)
        if WORD.match(token):
            path, end = [token], at + 1
            while tokens[end : end + 1] == ["::"] and WORD.match("".join(tokens[end + 1 : end + 2])):
                path.append(tokens[end + 1])
                end += 2
            if len(path) > 1:
                module.paths.append((path, None, token.line))
            module.words.add(str(token))
            at = end
            continue
        at += 1


def lookup(module, path, seen=()):
    """The module in which what a path names is defined, or None where that is another crate."""
    if not path:
        return module
    if (id(module), tuple(path)) in seen:
        return None
    seen = (*seen, (id(module), tuple(path)))
    first, rest = path[0], path[1:]
    if first == "crate":
        return lookup(module.root(), rest, seen)
    if first == "self":
        return lookup(module, rest, seen)
    if first == "super":
        return lookup(module.parent or module, rest, seen)
    if first in module.children:
        return lookup(module.children[first], rest, seen)
    if first in module.items:
        return module
    # A crate's name may also be that of something in it.
    if first in module.names and module.names[first][0] != first:
        return lookup(module, [*module.names[first], *rest], seen)
    for target, _ in module.globs:
        whole = lookup(module, target, seen)
        found = whole and whole is not module and lookup(whole, path, seen)
        if found:
            return found
    return None


def is_module(module, path):
    """Whether a path ends at a module, which is not yet a need of anything in it."""
    seen = 0
    while path and seen < 50:
        seen += 1
        first, rest = path[0], path[1:]
        if first == "crate":
            module, path = module.root(), rest
        elif first == "self":
            path = rest
        elif first == "super":
            module, path = module.parent or module, rest
        elif first in module.children:
            module, path = module.children[first], rest
        elif first in module.names and first not in module.items and module.names[first][0] != first:
            path = [*module.names[first], *rest]
        else:
            return False
    return not path


def modules(module):
    yield module
    for child in module.children.values():
        yield from modules(child)


def needs(folder):
    """Of each file the files that it needs, and where it first says so."""
    main = next(filter(os.path.isfile, (os.path.join(folder, name) for name in ("lib.rs", "main.rs"))))
    root = Module(None, main, folder)
    read(root, *tokens_of(main))
    found = {}
    for module in modules(root):
        edges = found.setdefault(module.file, {})
        used = [one for one in module.reexports if one[1] in module.words]
        words = [([*path, word], word, line) for path, line in module.globs for word in module.words]
        for path, _, line in module.paths + used + words:
            if is_module(module, path):
                continue
            other = lookup(module, path)
            if other is not None and other.file != module.file:
                edges.setdefault(other.file, f"{line}: {'::'.join(path)}")
    return found


def circles(edges):
    """Strongly connected files, by Tarjan's algorithm; a file alone is no circle."""
    index, low, stack, out = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in edges.get(file, ()):
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            part = stack[stack.index(file) :]
            del stack[stack.index(file) :]
            if len(part) > 1:
                out.append(sorted(part))

    for file in sorted(edges):
        if file not in index:
            visit(file)
    return out


def main():
    sys.setrecursionlimit(10_000)
    if sys.argv[1:2] == ["--needs"]:
        folder = os.path.join(CRATES, sys.argv[2], "src")
        for file, others in sorted(needs(folder).items()):
            print(os.path.relpath(file, folder))
            for other, where in sorted(others.items()):
                print(f"    {os.path.relpath(other, folder)} (line {where})")
        return 0
    failed = False
    for crate in sorted(os.listdir(CRATES)):
        folder = os.path.join(CRATES, crate, "src")
        if not os.path.isdir(folder):
            continue
        edges = needs(folder)
        for circle in circles(edges):
            is_fault = crate in FREE
            failed |= is_fault
            out = sys.stderr if is_fault else sys.stdout
            print(f"{crate}: these files need each other{'' if is_fault else ' (not forbidden yet)'}:", file=out)
            for file in circle:
                for other, where in sorted(edges[file].items()):
                    if other in circle:
                        names = [os.path.relpath(path, folder) for path in (file, other)]
                        print(f"    {names[0]} needs {names[1]} (line {where})", file=out)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
