#!/usr/bin/env python3
"""`make test-package`: packages on systems that have nothing of this one.

Installs the .deb into fresh roots of Debian 12 and of the newest Debian, takes the network
away, and uses it: the sample in the terminal, the sample in the window, a project's file
opened by its kind; then purges it and looks what is left. Checks the .rpm's content and what
it asks for, the archive in a folder with a space, and what linters say. Needs root.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
OUT = TARGET / "package" / "out"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pmpo-studio" / "roots"
SUITES = ["bookworm", "trixie"]
# What drives the window and opens files; not what the package should bring by itself.
TOOLS = [
    "xvfb", "webkit2gtk-driver", "imagemagick", "dbus", "dbus-x11", "libglib2.0-bin",
    "shared-mime-info", "desktop-file-utils", "procps", "iproute2", "fonts-dejavu-core",
]
# The highest version of glibc's functions that may be used: Ubuntu 22.04 has it.
GLIBC = (2, 35)
# The person's folders, and what is no file of a package.
APART = ("/proc/", "/sys/", "/dev/", "/tmp/", "/run/", "/home/", "/root/", "/var/log/")


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def said(*command, **more):
    return run(*command, stdout=subprocess.PIPE, text=True, **more).stdout


def only(pattern):
    found = sorted(OUT.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}; run `make package` first"
    return found[0]


def archive():
    """Where this system has its own packages from; it must be a Debian."""
    lines = said("apt-get", "indextargets", "--format", "$(ORIGIN) $(SUITE) $(REPO_URI)").split("\n")
    words = [line.split() for line in lines]
    found = [one[2] for one in words if len(one) == 3 and one[0] == "Debian" and "security" not in one[1]]
    if not found:
        sys.exit("Roots of Debian are made where apt knows an archive of Debian.")
    return found[0]


def base(suite):
    """A root of a system with nothing but what drives the window, made once."""
    kept = CACHE / f"{suite}.tar"
    if not kept.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        print(f"Making a root of {suite}; it is kept in the cache folder.", flush=True)
        part = kept.with_suffix(".part.tar")
        run("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(TOOLS)}", suite, part, archive())
        part.rename(kept)
    return kept


def files(root):
    found = set()
    for folder, folders, names in os.walk(root):
        for name in [*names, *(one for one in folders if Path(folder, one).is_symlink())]:
            path = "/" + str(Path(folder, name).relative_to(root))
            if not path.startswith(APART):
                found.add(path)
    return found


def inside(root, *command, network, user=None, **more):
    """Runs something in a root; without a network there is only loopback."""
    words = " ".join(command)
    if user:
        words = f"su - {user} -c '{words}'"
    script = (
        f"mount -t proc proc {root}/proc && mount -t devtmpfs dev {root}/dev 2>/dev/null "
        f"|| mount --rbind /dev {root}/dev; mkdir -p {root}/dev/shm; "
        f"mount -t tmpfs tmp {root}/dev/shm; mount -t tmpfs tmp {root}/tmp; "
        f"mkdir -p {root}/dev/pts; mount -t devpts pts {root}/dev/pts; "
    )
    if not network:
        script += "ip link set lo up; "
    script += f'exec chroot {root} /bin/sh -c "$0"'
    kind = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] + ([] if network else ["--net"])
    return run(*kind, "sh", "-c", script, words, **more)


def try_deb(suite, deb):
    with tempfile.TemporaryDirectory(prefix="pmpo-root-") as place:
        root = Path(place) / "root"
        root.mkdir()
        run("tar", "-C", root, "-xf", base(suite))
        before = files(root)
        shutil.copy(deb, root / "root" / deb.name)
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        print(f"\n== {suite}: installing {deb.name}", flush=True)
        inside(root, "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "
               f"--no-install-recommends /root/{deb.name} >/var/log/install.log 2>&1 "
               "|| { cat /var/log/install.log; exit 1; }", network=True)
        brought = files(root)
        inside(root, "useradd -m -s /bin/sh ada", network=True)
        missing = said("chroot", root, "sh", "-c", "ldd /usr/bin/pmpo /usr/bin/pmpo-studio | grep 'not found' || true")
        assert not missing, missing
        print(f"== {suite}: the sample in the terminal, without a network", flush=True)
        inside(root, "pmpo sample", network=False, user="ada")
        inside(root, "pmpo-studio --version && pmpo --help >/dev/null", network=False, user="ada")
        print(f"== {suite}: the window, without a network", flush=True)
        shutil.copy(TARGET / "release" / "packaged", root / "usr" / "local" / "bin" / "packaged")
        pictures = root / "home" / "pictures"
        pictures.mkdir(mode=0o777)
        pictures.chmod(0o777)
        try:
            inside(root, "PMPO_PROGRAMS=/usr/bin PMPO_PICTURES=/home/pictures dbus-run-session -- packaged",
                   network=False, user="ada")
        finally:
            kept = ROOT / "test-output" / "package" / suite
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(pictures, kept)
        (root / "usr" / "local" / "bin" / "packaged").unlink()
        print(f"== {suite}: purging", flush=True)
        inside(root, "DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq pmpo-studio >/dev/null", network=False)
        own = {path for path in brought - before if "pmpo" in path.lower()}
        assert own, "the package brought nothing"
        left = {path for path in files(root) if "pmpo" in path.lower()}
        assert not left, f"left behind: {sorted(left)}"
        data = root / "home" / "ada" / ".local" / "share" / "pmpo-studio" / "pmpo.sqlite"
        assert data.is_file(), "the person's projects are gone"
        print(f"== {suite}: nothing is left but the person's folders", flush=True)


def named_libraries():
    """The libraries that the programs name, but the linker's own."""
    named = set()
    for program in ["pmpo", "pmpo-studio"]:
        path = TARGET / "package" / "release" / program
        named.update(re.findall(r"NEEDED\s+(\S+)", said("objdump", "-p", path)))
    return {library for library in named if not library.startswith("ld-linux")}


def check_programs():
    """No function of a C library that is too new, and nothing but libraries that are named."""
    for name in ["pmpo", "pmpo-studio"]:
        program = TARGET / "package" / "release" / name
        symbols = said("objdump", "-T", program)
        versions = {tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_(\d+(?:\.\d+)+)", symbols)}
        newest = max(versions)
        assert newest[:2] <= GLIBC, f"{name} needs glibc {newest}"
        print(f"{name} needs glibc {'.'.join(map(str, newest))} or newer")


def check_dependencies(deb):
    """`objdump -p` decides: each library that is named has its package among the
    dependencies, and each dependency holds a library that is named."""
    depends = said("dpkg-deb", "-f", deb, "Depends")
    listed = {re.split(r"[ (]", one.strip())[0] for one in depends.split(",")}
    holds = {}
    for library in named_libraries():
        found = said("sh", "-c", f"dpkg -S '*/{library}' | grep -v diversion | head -n 1")
        holds[library] = found.split(":")[0]
    assert set(holds.values()) == listed, (
        f"missing: {set(holds.values()) - listed}; too many: {listed - set(holds.values())}"
    )
    print(f"Depends: {depends.strip()}")


def check_rpm(rpm):
    content = said("rpm", "-qlp", rpm).split("\n")
    for wanted in ["/usr/bin/pmpo", "/usr/bin/pmpo-studio", "/usr/share/applications/pmpo-studio.desktop",
                   "/usr/share/metainfo/studio.pmpo.PmpoStudio.metainfo.xml",
                   "/usr/share/mime/packages/pmpo-studio.xml", "/usr/share/man/man1/pmpo.1.gz"]:
        assert wanted in content, f"{wanted} is not in {rpm.name}"
    assert any(path.endswith(".gguf") for path in content)
    needs = set(said("rpm", "-qp", "--requires", rpm).split("\n")) - {""}
    named = {f"{name}()(64bit)" for name in named_libraries()}
    libraries = {need for need in needs if ".so" in need}
    assert libraries == named, f"missing: {named - libraries}; too many: {libraries - named}"
    print(f"{rpm.name}: {len(content)} files, asks for {len(libraries)} libraries")


def check_archive(archive):
    """It runs from any folder, and finds the model beside it."""
    with tempfile.TemporaryDirectory(prefix="a folder ") as place:
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
        (folder,) = Path(place).iterdir()
        home = Path(place) / "home"
        home.mkdir()
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
        run("unshare", "--net", folder / "pmpo", "sample", env=environment, cwd="/")
        assert (home / ".local" / "share" / "pmpo-studio" / "pmpo.sqlite").is_file()
        print(f"{archive.name} runs from a folder with a space")


def lint(deb):
    share = TARGET / "package" / "usr" / "share"
    run("desktop-file-validate", share / "applications" / "pmpo-studio.desktop")
    run("appstreamcli", "validate", "--no-net", share / "metainfo" / "studio.pmpo.PmpoStudio.metainfo.xml")
    run("lintian", "--fail-on", "error", "--info", deb)


def main():
    if os.geteuid() != 0:
        sys.exit("Making and entering roots of other systems needs root.")
    deb, rpm, archive = only("*.deb"), only("*.rpm"), only("*.tar.gz")
    check_programs()
    check_dependencies(deb)
    check_rpm(rpm)
    lint(deb)
    check_archive(archive)
    for suite in sys.argv[1:] or SUITES:
        try_deb(suite, deb)
    print("\nThe packages work.")


if __name__ == "__main__":
    main()
