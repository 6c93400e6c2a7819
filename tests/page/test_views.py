"""Every view in both themes and widths: nothing in the console, nothing asked of a network, nothing wider than the window,
and a picture of it among the test's output; names for all that can be operated; contrast; hostile texts."""
import itertools
import json
import pathlib
import re
import urllib.parse

import pytest
import sample

ROOT = pathlib.Path(__file__).resolve().parents[2]
VIEWS = {
    "cases": (sample.small, ""),
    "case": (sample.small, "#case=turn/rich"),
    "hostile": (sample.small, "#" + urllib.parse.urlencode({"case": "hostile/" + sample.HOSTILE})),
    "bench": (sample.small, "#view=bench"),
    "matrix": (sample.matrix, "#view=grid"),
}


@pytest.mark.parametrize("view,theme,width", itertools.product(VIEWS, ["light", "dark"], [1280, 400]))
def test_view(browser, page_file, pictures, view, theme, width):
    document, fragment = VIEWS[view]
    browser.resize(width, 900)
    browser.prefer(theme, **{"prefers-reduced-motion": "reduce"})
    browser.open(page_file(document), fragment)
    browser.screenshot(pictures / f"{view}-{theme}-{width}.png", whole=True)
    assert browser.run("document.querySelectorAll('h1').length") == 1
    assert browser.run("document.documentElement.scrollWidth") <= width
    # Rows clip what does not fit, so that the window does not tell.
    assert browser.run("[...document.querySelectorAll('.case-list > li')].filter((row) => row.scrollWidth > row.clientWidth).length") == 0
    assert browser.run("getComputedStyle(document.body).backgroundColor") == \
        {"light": "rgb(247, 246, 242)", "dark": "rgb(20, 24, 27)"}[theme]
    assert browser.complaints() == []
    assert browser.requests() == []


@pytest.mark.parametrize("view", VIEWS)
def test_everything_that_can_be_operated_has_a_name(browser, page_file, view):
    document, fragment = VIEWS[view]
    browser.open(page_file(document), fragment)
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    operated = [node for node in nodes if not node.get("ignored")
                and node["role"]["value"] in ("button", "link", "combobox", "searchbox", "listbox", "option", "textbox")]
    assert len(operated) >= 5
    assert [node["role"]["value"] for node in operated if not node["name"]["value"].strip()] == []


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT = ["ink", "muted", "accent", "direct", "hairpin", "relay", "none", "pass", "fail", "known", "fixed", "k-step", "k-signaling", "k-stun", "k-turn",
        "k-ice", "k-dtls", "k-media", "k-dns", "k-nat", "k-other"]
PAIRS = [(text, ground) for text in TEXT for ground in ("paper", "panel", "sunk")] + \
    [(name, f"{name}-soft") for name in ("direct", "hairpin", "relay", "pass", "fail", "known", "fixed", "accent")] + \
    [("ink", f"{name}-soft") for name in ("pass", "fail", "known", "fixed", "none", "accent", "direct", "relay")] + [("paper", "fail")]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_texts(browser, page_file, theme):
    browser.prefer(theme)
    browser.open(page_file(sample.small))
    names = sorted({name for pair in PAIRS for name in pair})
    colours = browser.run(f"{json.dumps(names)}.map((n) => getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim())")
    tokens = dict(zip(names, colours))
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours), tokens
    weak = {pair: round(contrast(tokens[pair[0]], tokens[pair[1]]), 2) for pair in PAIRS if contrast(tokens[pair[0]], tokens[pair[1]]) < 4.5}
    assert weak == {}


def test_a_theme_chosen_by_hand_has_the_same_colours(browser, page_file):
    tokens = "JSON.stringify([...document.styleSheets].flatMap((s) => [...s.cssRules]).flatMap((r) => r.cssRules ? [...r.cssRules] : [r])" \
        ".filter((r) => r.selectorText?.startsWith(':root')).flatMap((r) => [...r.style]).filter((n) => n.startsWith('--'))" \
        ".map((n) => n + getComputedStyle(document.documentElement).getPropertyValue(n)))"
    for system, chosen in (("light", "dark"), ("dark", "light")):
        browser.prefer(chosen)
        browser.open(page_file(sample.small))
        by_system = browser.run(tokens)
        browser.prefer(system)
        assert browser.run(tokens) != by_system
        browser.click(".theme")
        assert browser.run("document.documentElement.dataset.theme") == chosen
        assert browser.run(tokens) == by_system
        browser.open(page_file(sample.small))
        assert browser.run("document.documentElement.dataset.theme") == chosen, "kept for the next visit"
        browser.forget()


def test_hostile_texts_are_texts(browser, page_file):
    browser.open(page_file(sample.small))
    name = "hostile/" + sample.HOSTILE
    assert name in browser.texts(".case-name")
    browser.open(page_file(sample.small), "#" + urllib.parse.urlencode({"case": name}))
    assert browser.run("document.title").startswith(name)
    assert browser.texts("h1 .case-name") == [name]
    assert browser.texts(".command code") == [sample.HOSTILE]
    assert sample.HOSTILE in browser.texts(".why p")
    browser.click("[data-n='0']")
    assert browser.texts(".panel dd")[-1] == sample.HOSTILE
    assert browser.run("window.hacked === undefined")
    assert browser.run("document.querySelectorAll('img, [onload], [onerror]').length") == 0
    assert browser.run("[...document.querySelectorAll('a')].filter((a) => a.protocol === 'javascript:').length") == 0
    assert browser.complaints() == []


def test_the_policy_lets_no_other_script_run(browser, page_file):
    browser.open(page_file(sample.small))
    browser.run("(() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 4'; document.body.append(s); })()")
    browser.run("(() => { const d = document.createElement('div'); document.body.append(d); d.innerHTML = '<b onclick=\"window.hacked=5\">x</b>';"
                " d.firstChild.click(); })()")
    assert browser.run("window.hacked === undefined")
    assert any("Content Security Policy" in text for text in browser.complaints())


def test_on_paper_controls_are_gone_and_nothing_scrolls(browser, page_file):
    browser.open(page_file(sample.small), "#case=turn/rich")
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.run("['.masthead', '.parts', '.copy', '.chips'].map((s) => getComputedStyle(document.querySelector(s)).display)") == ["none"] * 4
        assert browser.run("getComputedStyle(document.querySelector('.ladder-box')).overflow") == "visible"
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


def test_paper_is_light_whatever_the_screen_is(browser, page_file):
    """Every token: a chip with dark ground on white paper cannot be read."""
    names = json.dumps(sorted(set(re.findall(r"(--[a-z-]+): #", (ROOT / "harness/report/page/tokens.css").read_text()))))
    tokens = f"{names}.map((n) => getComputedStyle(document.documentElement).getPropertyValue(n).trim())"
    seen = []
    for theme, chosen in (("light", None), ("dark", None), ("light", "dark")):
        browser.prefer(theme)
        browser.open(page_file(sample.small))
        if chosen:
            browser.run(f"document.documentElement.dataset.theme = '{chosen}'")
        browser.command("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": theme}])
        seen.append(browser.run(tokens))
        browser.command("Emulation.setEmulatedMedia", media="", features=[])
    assert len(seen[0]) == 40
    assert seen[0] == seen[1] == seen[2]


def test_forced_colours_leave_what_colours_tell(browser, page_file):
    browser.prefer("dark", **{"forced-colors": "active"})
    browser.open(page_file(sample.small), "#case=turn/rich")
    ground = "((s, p) => getComputedStyle(document.querySelector(s), p).backgroundColor)"
    assert browser.run(f"{ground}('.swatch.s-selected')") not in ("rgba(0, 0, 0, 0)", browser.run(f"{ground}('.swatch.s-checking')"))
    pressed = browser.run(f"{ground}('[data-filter=ice]', '::before')")
    browser.click("[data-filter=ice]")
    assert browser.run(f"{ground}('[data-filter=ice]', '::before')") != pressed
    browser.click("[data-n='0']")
    assert browser.run("getComputedStyle(document.querySelector('[aria-selected=true]')).outlineStyle") == "solid"


def test_an_opened_message_is_announced(browser, page_file):
    browser.open(page_file(sample.small), "#case=turn/rich")
    browser.run("document.querySelector('.rows').focus()")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        browser.key(key)
    assert browser.run("document.getElementById('live').textContent") == "offer: 3 fields beside the messages. Escape closes them."


def test_a_page_without_data_says_so(browser, template):
    browser.open(template)
    assert browser.texts("[role=alert]") == ["This page carries no results: it is the empty template."]
    assert browser.complaints() == []


def test_spoilt_data_is_told(browser, template, tmp_path):
    path = tmp_path / "spoilt.html"
    sample.write(template, sample.small(), path)
    text = path.read_text()
    path.write_text(re.sub('(id="hairpin-chunk-0">)[^<]*', r"\g<1>AAAA", text))
    browser.open(path, "#case=turn/rich")
    assert len(browser.texts("[role=alert]")) == 1
    path.write_text(re.sub('id="hairpin-chunk-0"', 'id="elsewhere"', text))
    browser.open(path, "#case=turn/rich")
    assert browser.texts("[role=alert]") == ["Part 0 of this report's data is missing."]
    path.write_text(text.replace('"format": "hairpin-page/1"', '"format": "hairpin-page/9"'))
    browser.open(path)
    assert browser.texts("[role=alert]") == ["This page reads hairpin-page/1, its data is hairpin-page/9."]


def test_the_page_is_small_and_whole(template):
    text = template.read_text()
    assert len(text) < 200_000
    assert text.count("<!--hairpin-data-->") == 1
    assert text.index("<!--hairpin-data-->") < text.index("</body>")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    assert "innerHTML" not in "".join(path.read_text() for path in (ROOT / "harness/report/page").glob("*.js"))
