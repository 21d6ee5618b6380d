"""scripts/host.sh: what it finds, what it writes down, and what it leaves alone."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from images import ROOT
from tests.unit.images.fake_docker import command

HOST = ROOT / "scripts" / "host.sh"


@pytest.fixture
def host(tmp_path: Path, bin_folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs host.sh with a home of its own; `only` leaves nothing on PATH but a few plain commands and the fakes."""

    def run(verb: str, only: bool = False, user: str = "", root: bool = False) -> subprocess.CompletedProcess[str]:
        path = str(bin_folder)
        if only:
            for name in ("bash", "cat", "sh", "dirname", "mkdir"):
                if not (bin_folder / name).exists():
                    (bin_folder / name).symlink_to(f"/bin/{name}")
        else:
            path = f"{bin_folder}:{os.environ['PATH']}"
        words = ["/bin/bash", str(HOST), verb]
        if user and os.getuid() == 0:
            words = ["/usr/bin/setpriv", "--reuid", user, "--clear-groups", *words]
        if root and os.getuid() != 0:
            words = ["/usr/bin/unshare", "--map-root-user", *words]
        environment = {"HOME": str(tmp_path / "home"), "PATH": path, "USER": "someone"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_python_that_can_make_environments_is_printed(host: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = host("python")
    assert done.returncode == 0
    version = subprocess.run([done.stdout.strip(), "--version"], capture_output=True, text=True, check=True).stdout
    assert tuple(int(part) for part in version.split()[1].split(".")[:2]) >= (3, 11)


def test_an_old_python_says_in_one_line_what_is_missing(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    command(bin_folder, "python3", "exit 1")
    done = host("python", only=True)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "Python >= 3.11 with venv is missing" in done.stderr


def test_ensure_writes_down_what_an_old_daemon_needs(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    command(
        bin_folder,
        "docker",
        'case "$*" in *DefaultAPIVersion*) echo 1.50 ;; *Server.APIVersion*) echo 1.41 ;;'
        ' buildx*) exit 1 ;; "compose version"*) echo 2.40.3 ;; esac',
    )
    assert host("ensure").returncode == 0
    settings = (tmp_path / "home/.cache/lookout/docker.env").read_text()
    assert settings == "DOCKER_API_VERSION=1.41\nDOCKER_BUILDKIT=0\n"


def test_ensure_writes_nothing_where_client_and_daemon_agree(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    command(bin_folder, "docker", 'case "$*" in *APIVersion*) echo 1.50 ;; "compose version"*) echo 2.40.3 ;; esac')
    assert host("ensure").returncode == 0
    assert (tmp_path / "home/.cache/lookout/docker.env").read_text() == ""


def test_release_leaves_a_process_alone_that_is_no_dockerd(
    host: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    pid_file = tmp_path / "home/.cache/lookout/dockerd.pid"
    pid_file.parent.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        pid_file.write_text(str(bystander.pid))
        assert host("release").returncode == 0
        assert bystander.poll() is None
        bystander.terminate()
    assert not pid_file.exists()


def test_release_stops_the_daemon_of_the_pid_file(
    host: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    pid_file = tmp_path / "home/.cache/lookout/dockerd.pid"
    pid_file.parent.mkdir(parents=True)
    program = tmp_path / "dockerd"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    # No child of this process, as the real one is none.
    started = subprocess.run(
        ["sh", "-c", f"{program} 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    pid_file.write_text(started.stdout)
    done = host("release")
    assert done.returncode == 0 and "stopped dockerd" in done.stderr
    assert not Path(f"/proc/{started.stdout.strip()}/exe").exists()
    assert not pid_file.exists()


def test_host_shows_how_it_is_used(host: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = host("dance")
    assert (done.returncode, done.stderr) == (2, "usage: host.sh ensure | release | python\n")


def test_dockers_own_packages_are_taken_only_where_apt_can_install_them(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    """Debian mentions docker-ce in other packages: it has a page there, and nothing to install."""
    command(
        bin_folder,
        "apt-cache",
        'case "$2" in docker-ce*) echo "  Candidate: (none)" ;; *) echo "  Candidate: 1.2" ;; esac',
    )
    command(
        bin_folder, "apt-get", f'echo "$*" >>{tmp_path}/apt; [ "$1" != install ] || ln -s /bin/true {bin_folder}/docker'
    )
    for name in ("date", "env", "grep", "mv", "rm", "sort", "tail", "sleep"):
        (bin_folder / name).symlink_to(f"/bin/{name}")
    host("ensure", only=True, root=True)
    assert "--no-install-recommends docker.io iptables" in (tmp_path / "apt").read_text()
    assert "docker-ce" not in (tmp_path / "apt").read_text()
