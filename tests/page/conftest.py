"""What the tests of the page share: the built page, one browser, pages with sample data."""
import os
import pathlib
import shutil

import browser as driver
import pytest
import sample


@pytest.fixture(scope="session")
def template(hairpin_path):
    """The page as it was built beside the program."""
    path = hairpin_path.parent / "page" / "page.html"
    assert path.exists(), f"{path} is not built: ci/build release"
    return path


@pytest.fixture(scope="session")
def page_file(template, tmp_path_factory):
    """Writes a page with sample data, once each: page_file(sample.small) -> its path."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}

    def make(document):
        if document not in made:
            made[document] = sample.write(template, document(), folder / f"{document.__name__}.html")
        return made[document]

    return make


@pytest.fixture(scope="session")
def chromium():
    if driver.chromium() is None:
        pytest.skip("Chromium is not installed")
    with driver.Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium):
    """The browser as every test wants to find it: wide, light, without motion, nothing remembered."""
    chromium.resize(1280, 900)
    chromium.prefer("light", **{"prefers-reduced-motion": "reduce"})
    yield chromium
    chromium.forget()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where screenshots go: HAIRPIN_SCREENSHOTS, which CI keeps, or pytest's own folder."""
    folder = os.environ.get("HAIRPIN_SCREENSHOTS")
    path = pathlib.Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def esbuild():
    path = shutil.which("esbuild")
    assert path, "esbuild is not installed: ci/setup"
    return path
