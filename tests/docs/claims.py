"""What proves the lines of `elsewhere` blocks: a script or an end-to-end test that contains the same command.

A line is looked up as it stands in the page; the text on the right has to occur in the file before it.
"""

from typing import Final

_SSH: Final = "ssh -L $port:127.0.0.1:$port -L $kuma_port:127.0.0.1:$kuma_port USER@SERVER"

ELSEWHERE: Final[dict[str, tuple[str, str]]] = {
    "git clone REPOSITORY lookout": ("tests/e2e/stack.py", '["git", "ls-files", "--cached"'),
    "cd lookout": ("tests/e2e/stack.py", "cwd=self.root"),
    "make up": ("tests/e2e/stack.py", 'stack.must, "make", "up"'),
    "make apply": ("tests/e2e/test_4_follow.py", 'stack.must("make", "apply")'),
    'pip install "lookout-instrumentation[fastapi] @ file:///root/lookout/instrumentation"': (
        "tests/docs/test_install.py",
        "lookout-instrumentation[fastapi] @ file:///root/lookout/instrumentation",
    ),
    "./lookout new-pack nginx --from nginx-prometheus-exporter-1.4.2.prom": (
        "tests/cli/test_new_pack.py",
        '"new-pack", "mine", "--from"',
    ),
    "ssh -L 8080:127.0.0.1:8080 -L 3001:127.0.0.1:3001 USER@SERVER": ("scripts/up.sh", _SSH),
}
