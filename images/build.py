"""Builds stand-in images out of package registries, by the recipes. Whether that is needed is decided elsewhere.

Everything can be interrupted at any time: an unfinished part lies beside its place and is made again, compilers and
package clients keep what they have already fetched, and a tag is set last.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from images import CACHE, ROOT, Failed, docker, machine
from images.pins import Image, load_pins
from images.progress import log_of, run_logged, step, warn
from images.recipes import RECIPES, DebianPackage, GoModule, Recipe, WholeModule, recipe_of

STANDINS: Final = ROOT / "images" / "stand-ins"
MODULES: Final = ROOT / "images" / "go"
_GO_CACHE: Final = CACHE / "go"
_APT_CACHE: Final = CACHE / "apt-lists"
_WORK: Final = CACHE / "work"
_APT_LISTS: Final = Path("/var/lib/apt/lists")
_INCLUDED: Final = "busybox,ca-certificates,libcap2-bin,tzdata"
# What a Dockerfile prints when the distribution no longer has the pinned version of a package.
_DIFFERS: Final = "STAND-IN DIFFERS: "
_OWNER: Final = f"{os.getuid()}:{os.getgid()}"


def build_image(image: Image) -> None:
    """Build the stand-in of `image`. Raises Failed, with the log's path, when that does not work."""
    if image.standin is None:
        raise Failed(f"{image.title}: there is no stand-in")
    log_of(image.name).unlink(missing_ok=True)
    base = ensure_base()
    context = _fresh(_WORK / image.name)
    shutil.copytree(STANDINS / image.name, context, dirs_exist_ok=True)
    recipe = recipe_of(image.name)
    if recipe.parts:
        _fill(recipe, image, context)
    title = f"{image.name} {image.standin_version}"
    with step(title, "building the image"):
        arguments = {"BASE": base, "VERSION": image.version, **_clients(), **machine.proxies()}
        docker.build(image.name, context, image.standin, arguments)
    shutil.rmtree(context)
    for line in log_of(image.name).read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(_DIFFERS):
            found = line.removeprefix(_DIFFERS)
            warn(f"{image.name}: {found} stands in for {image.version}: the distribution moved on.")


def _clients() -> dict[str, str]:
    """The registries of npm and pip, and the certificates that pip trusts: the base image holds this machine's
    certificates."""
    trust = {"PIP_CERT": machine.BUNDLE_INSIDE} if machine.own_certificates() else {}
    return {**machine.npm_settings(), **machine.pip_settings(), **trust}


def _fill(recipe: Recipe, image: Image, context: Path) -> None:
    """Put the recipe's files into the folders that the Dockerfile copies."""
    root = _fresh(context / "rootfs")
    for part in recipe.parts:
        place(part, image.name, image.version, root)
    if recipe.bare:
        _fresh(context / "data")
        (root / "tmp").mkdir(mode=0o1777)
        (root / "tmp").chmod(0o1777)
        if bundle := machine.ca_bundle():
            target = root / "etc/ssl/certs/ca-certificates.crt"
            target.parent.mkdir(parents=True)
            shutil.copyfile(bundle, target)


def place(part: GoModule | DebianPackage, name: str, version: str, root: Path) -> None:
    """Put a part's files below `root`, compiled or taken out of a package."""
    if isinstance(part, GoModule):
        compiled = compile_module(part, name, version)
        for package, target in part.programs.items():
            if target:
                (root / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(compiled / _program(package), root / target)
        return
    if _unpack(part, name, version, root) != version:
        place(part.otherwise, name, version, root)


def compile_module(part: GoModule, name: str, version: str) -> Path:
    """Compile a module's programs, unless they are there from before; the folder that holds them."""
    target = built_folder(part, version)
    if target.is_dir():
        return target
    builder = ensure_builder()
    for folder in (_GO_CACHE / "mod", _GO_CACHE / "build"):
        folder.mkdir(parents=True, exist_ok=True)
    with step(f"{name} {version}", "compiling"):
        half = _fresh(target.with_name(f"{target.name}.part"))
        stamp = f"-s -w -X {part.stamp}={part.stamp_prefix}{version}"
        script = f"go build $flags -o /out/ -ldflags '{stamp}' {' '.join(part.programs)}"
        docker.run(name, builder, _go_options(part, half), _complete(part.whole) + script)
        half.rename(target)
    return target


def _complete(module: WholeModule | None) -> str:
    """Shell that sets $flags, so that a module which lacks files is compiled from a copy that has them."""
    if module is None:
        return "flags=\n"
    puts = "".join(
        f"mkdir -p {shlex.quote(f'/tmp/whole/{Path(file).parent}')}\n"
        f"printf %s {shlex.quote(module.content)} > {shlex.quote(f'/tmp/whole/{file}')}\n"
        for file in module.files
    )
    return f"""
        go mod download {module.path}
        cp -r "$(go list -m -f '{{{{.Dir}}}}' {module.path})" /tmp/whole
        chmod -R u+w /tmp/whole
        {puts}
        cp go.mod /tmp/whole.mod
        cp go.sum /tmp/whole.sum
        go mod edit -replace {module.path}=/tmp/whole /tmp/whole.mod
        flags=-modfile=/tmp/whole.mod
    """


def built_folder(part: GoModule, version: str) -> Path:
    """Where a module's programs are kept: keyed by everything that they are compiled from."""
    digest = hashlib.sha256(load_pins().builders["go"].encode())
    for file in sorted((MODULES / part.module).iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    digest.update(repr(part).encode())
    return CACHE / "built" / f"{part.module}-{version}-{digest.hexdigest()[:12]}"


def _go_options(part: GoModule, output: Path) -> list[str]:
    settings = {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "go" + load_pins().builders["go"],
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false -modcacherw",
        "GOMODCACHE": "/cache/mod",
        "GOCACHE": "/cache/build",
        "HOME": "/tmp",
        **machine.go_settings(),
        **machine.proxies(),
    }
    mounts = (f"{MODULES / part.module}:/source:ro", f"{_GO_CACHE}:/cache", f"{output}:/out")
    options = ["--user", _OWNER, "--workdir", "/source"]
    options += [word for mount in mounts for word in ("--volume", mount)]
    return options + [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]


def _program(package: str) -> str:
    """What `go build` calls the program of a package."""
    return package.rsplit("/", 1)[-1]


def _unpack(part: DebianPackage, name: str, version: str, root: Path) -> str:
    """Copy a package's files below `root` if it is the pinned version; the version it has."""
    base = ensure_base()
    with step(f"{name} {version}", "fetching the package"):
        output = _fresh(_WORK / f"{name}-package")
        _APT_CACHE.mkdir(parents=True, exist_ok=True)
        copies = "".join(
            f"mkdir -p $(dirname /out/files/{target}); cp -r x/{source} /out/files/{target}\n"
            for source, target in part.files.items()
        )
        script = f"""
            cd /tmp
            apt-get update --quiet
            apt-get download --quiet {part.package}
            dpkg-deb --field {part.package}_*.deb Version > /out/version
            dpkg-deb --extract {part.package}_*.deb x
            {copies}
            chown -R {_OWNER} /out
        """
        docker.run(name, base, ["--volume", f"{output}:/out", "--volume", f"{_APT_CACHE}:/var/lib/apt/lists"], script)
        found = upstream_version((output / "version").read_text(encoding="utf-8").strip())
        if found == version:
            shutil.copytree(output / "files", root, dirs_exist_ok=True)
        shutil.rmtree(output)
    return found


def upstream_version(debian: str) -> str:
    """The program's own version in a package's: 5:8.0.6+dfsg-3 is 8.0.6."""
    return debian.split(":", 1)[-1].rsplit("-", 1)[0].split("+", 1)[0]


def ensure_builder() -> str:
    """The image that compiles; its tag."""
    tag = f"lookout/builder:{load_pins().builders['debian']}"
    if tag not in docker.local_images():
        base = ensure_base()
        with step("builder", "building the image"):
            docker.build("builder", STANDINS / "builder", tag, {"BASE": base, **machine.proxies()})
    return tag


def ensure_base() -> str:
    """The image that most stand-ins start from: a minimal Debian of the pinned release; its tag."""
    suite = load_pins().builders["debian"]
    tag = f"lookout/base:{suite}"
    if tag not in docker.local_images():
        _bootstrap(suite, tag)
    return tag


def _bootstrap(suite: str, tag: str) -> None:
    if os.getuid() != 0:
        raise Failed("building stand-in images needs root, for debootstrap: run as root, or reach an image registry")
    if not any(_APT_LISTS.glob("*Release")):
        with step("base", "updating apt's lists"):
            run_logged("base", ["apt-get", "update", "--quiet"])
    if shutil.which("debootstrap") is None:
        with step("base", "installing debootstrap"):
            run_logged("base", ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "debootstrap"])
    with step(f"base {suite}", "bootstrapping Debian"):
        root = _fresh(_WORK / "base")
        # Its mounts end with it, however it ends. The last word names the script: a new release has none of its own.
        command = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={_INCLUDED}", suite, str(root)]
        run_logged("base", [*command, machine.debian_mirror(), "sid"])
        _settle(root)
        _import(root, tag)
        shutil.rmtree(root)


def _settle(root: Path) -> None:
    """What the stand-ins need and a plain Debian lacks; what it has and they do not need."""
    (root / "usr/bin/wget").symlink_to("busybox")
    (root / "etc/apt/apt.conf.d/90lookout").write_text(machine.apt_settings(), encoding="utf-8")
    if bundle := machine.ca_bundle():
        shutil.copyfile(bundle, root / "etc/ssl/certs/ca-certificates.crt")
    for waste in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        for entry in (root / waste).iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def _import(root: Path, tag: str) -> None:
    """Make the folder an image. The tag is set only once all of it has arrived."""
    half = f"{tag}-half"
    with log_of("base").open("a", encoding="utf-8") as log:
        packer = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE, stderr=log)
        command = ["docker", "import", "-", half]
        code = subprocess.run(command, stdin=packer.stdout, stdout=log, stderr=log, env=docker.environment()).returncode
        if packer.stdout:
            packer.stdout.close()
        if packer.wait() or code:
            raise Failed(f"base: the image could not be imported; full log: {log_of('base')}")
    docker.ask("tag", half, tag)
    docker.try_to("image", "rm", half)


def _fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def sweep() -> None:
    """Remove what only compiling needs, which is gigabytes, and programs of earlier versions. Those of today stay."""
    docker.try_to("image", "rm", f"lookout/builder:{load_pins().builders['debian']}")
    for folder in (_GO_CACHE, _APT_CACHE, _WORK):
        shutil.rmtree(folder, ignore_errors=True)
    pinned = [(part, load_pins().images[recipe.name].version) for recipe in RECIPES for part in recipe.parts]
    current = {built_folder(part, version) for part, version in pinned if isinstance(part, GoModule)}
    for folder in set((CACHE / "built").glob("*")) - current:
        shutil.rmtree(folder)
