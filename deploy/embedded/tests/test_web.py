"""The pages are built when their sources have changed, and a build that fails leaves the pages that were there."""

import gzip
import json
import os
import subprocess

import pytest

from embedded import web
from gateway.pages import PagesMissing, read

# Takes vite's place: `--outDir FOLDER`, and a source that says what becomes of it.
BUILDER = """
const { mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const folder = process.argv[process.argv.indexOf("--outDir") + 1];
const text = readFileSync("src/page.txt", "utf8");
if (text === "broken") process.exit(3);
mkdirSync(`${folder}/assets`, { recursive: true });
writeFileSync(`${folder}/index.html`, text);
writeFileSync(`${folder}/assets/index-1.js`, "a".repeat(5000));
writeFileSync(`${folder}/assets/small-2.js`, "a");
"""
PACKAGE = {
    "name": "pages-under-test",
    "scripts": {"say": "node -e \"console.log(process.argv.slice(1).join(' '))\""},
    "dependencies": {"vite": "file:builder"},
}


@pytest.fixture
def folder(tmp_path):
    for name in ("src", "builder/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "package-lock.json").write_text(
        json.dumps(
            {
                "name": PACKAGE["name"],
                "lockfileVersion": 3,
                "packages": {
                    "": {"dependencies": PACKAGE["dependencies"]},
                    "builder": {"name": "vite", "version": "0.0.1"},
                    "node_modules/vite": {"resolved": "builder", "link": True},
                },
            }
        )
    )
    (tmp_path / "builder" / "package.json").write_text('{"name": "vite", "version": "0.0.1"}')
    (tmp_path / "builder" / "bin" / "vite.js").write_text(BUILDER)
    (tmp_path / "src" / "page.txt").write_text("the first page")
    return tmp_path


def page(folder):
    return (folder / "dist" / "index.html").read_text()


def test_pages_are_built_once_and_again_when_a_source_changes(folder):
    assert web.build(folder)
    assert page(folder) == "the first page"
    assert not web.build(folder)

    (folder / "src" / "page.txt").write_text("another page")
    assert web.build(folder)
    assert page(folder) == "another page"


def test_a_source_that_was_only_touched_has_not_changed(folder):
    web.build(folder)

    os.utime(folder / "src" / "page.txt", (1, 1))

    assert not web.build(folder)


def test_a_build_that_fails_leaves_the_pages_that_were_there(folder):
    web.build(folder)
    (folder / "src" / "page.txt").write_text("broken")

    with pytest.raises(subprocess.CalledProcessError):
        web.build(folder)

    assert page(folder) == "the first page"
    (folder / "src" / "page.txt").write_text("the first page")
    assert not web.build(folder)


def test_what_is_large_is_compressed_beforehand(folder):
    web.build(folder)

    assets = folder / "dist" / "assets"
    assert gzip.decompress((assets / "index-1.js.gz").read_bytes()) == b"a" * 5000
    assert not (assets / "small-2.js.gz").exists()


def test_what_was_built_is_served(folder):
    web.build(folder)

    scope = {"type": "http", "method": "GET", "path": "/login", "headers": []}
    answer = read(folder / "dist").answer(scope)

    assert answer is not None
    assert answer.body == b"the first page"
    with pytest.raises(PagesMissing, match="make web"):
        read(folder / "src")


def test_a_script_is_run_with_its_arguments(folder, capfd):
    web.run("say", ["a", "b"], folder)

    assert capfd.readouterr().out.strip() == "a b"
