"""The list of cases and the matrix, operated as a reader does."""
import json
import urllib.parse

import sample


def names(browser):
    return browser.texts(".case-row .case-name")


def choose(browser, name, value):
    browser.run(f"""(() => {{ const s = document.querySelector('select[name="{name}"]'); s.value = {json.dumps(value)};
        if (s.value !== {json.dumps(value)}) throw new Error('no such option');
        s.dispatchEvent(new Event('change')); }})()""")
    browser.settled()


def test_summary_and_order(browser, page_file):
    browser.open(page_file(sample.small))
    assert browser.texts("h1") == ["4 of 9 cases need a look"]
    assert browser.texts(".total b") == ["1", "1", "1", "1", "1", "4"]
    assert browser.texts(".command code") == ["hairpin run scenarios --out out"]
    assert names(browser) == [
        "turn/rich", "bugs/crash", "hostile/" + sample.HOSTILE, "bugs/gone", "bugs/known", "basics/one-lan", "media/loss[internet.loss=1%]",
        "nat/closed", "nat/hairpin"]
    assert browser.texts(".found") == ["9 cases"]


def test_filters(browser, page_file):
    browser.open(page_file(sample.small))
    browser.click("[data-verdict=pass]")
    assert names(browser) == ["basics/one-lan", "media/loss[internet.loss=1%]", "nat/closed", "nat/hairpin"]
    choose(browser, "path", "direct")
    assert names(browser) == ["basics/one-lan", "media/loss[internet.loss=1%]"]
    assert browser.texts(".found") == ["2 of 9 cases"]
    browser.click("[data-verdict=pass]")
    choose(browser, "path", "")
    choose(browser, "oracle", "shortfall")
    assert names(browser) == ["nat/hairpin"]
    choose(browser, "oracle", "")
    choose(browser, "tag", "nat")
    assert names(browser) == ["turn/rich", "nat/closed", "nat/hairpin"]
    browser.type("input[type=search]", "EVERY relay")
    assert names(browser) == ["turn/rich"]
    assert urllib.parse.parse_qs(browser.run("location.hash.slice(1)")) == {"q": ["EVERY relay"], "tag": ["nat"]}
    browser.type("input[type=search]", "zzz")
    assert names(browser) == []
    assert browser.texts(".empty") == ["No case passes these filters."]
    assert browser.complaints() == []


def test_filters_come_from_the_address(browser, page_file):
    browser.open(page_file(sample.small), "#verdict=fail,crashed&sort=name")
    assert names(browser) == ["bugs/crash", "turn/rich"]
    assert browser.run("document.querySelector('[data-verdict=fail]').getAttribute('aria-pressed')") == "true"
    choose(browser, "sort", "slow")
    assert names(browser) == ["bugs/crash", "turn/rich"]
    browser.open(page_file(sample.small), "#tag=turn&path=direct")
    assert names(browser) == []


def test_order_by_time(browser, page_file):
    browser.open(page_file(sample.small), "#sort=fast&path=direct")
    assert names(browser) == ["basics/one-lan", "media/loss[internet.loss=1%]"]
    choose(browser, "sort", "slow")
    assert names(browser) == ["media/loss[internet.loss=1%]", "basics/one-lan"]


def test_a_case_opens_and_back_finds_the_list_as_it_was(browser, page_file):
    browser.open(page_file(sample.small), "#tag=nat")
    browser.click(".case-row")
    assert browser.run("decodeURIComponent(location.hash)") == "#case=turn/rich"
    assert browser.texts("h1") == ["turn/rich"]
    assert browser.run("document.activeElement.id") == "main"
    browser.run("new Promise((done) => { addEventListener('hashchange', () => done(), {once: true}); history.back(); })")
    browser.settled()
    assert names(browser) == ["turn/rich", "nat/closed", "nat/hairpin"]


def test_a_case_can_be_opened_with_the_keyboard_alone(browser, page_file):
    browser.open(page_file(sample.small))
    browser.key("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    browser.run("document.querySelector('.case-row').focus()")
    browser.key("Enter")
    browser.settled()
    assert browser.texts("h1") == ["turn/rich"]


def test_links_to_cases(browser, page_file):
    browser.open(page_file(sample.small), "#case=media%2Floss%5Binternet.loss%3D1%25%5D")
    assert browser.texts("h1") == ["media/loss[internet.loss=1%]"]
    assert "No evidence was kept of this case: run it again to see its messages." in browser.texts(".empty")
    browser.open(page_file(sample.small), "#case=no/such")
    assert browser.texts("[role=alert]") == ["There is no case no/such in this report."]
    browser.open(page_file(sample.small), "#case=basics/one-lan")
    assert browser.run("[...document.querySelectorAll('.neighbours .button')].map((a) => decodeURIComponent(a.hash))") == [
        "#case=turn/rich", "#case=nat/hairpin"]


def test_matrix_shows_what_the_data_holds(browser, page_file):
    browser.open(page_file(sample.matrix), "#view=grid")
    data = sample.matrix().index["cases"]
    assert browser.run("document.querySelectorAll('table.grid tbody td').length") == 46 * 46
    for kind in ("direct", "hairpin", "relay", "none"):
        assert browser.run(f"document.querySelectorAll('table.grid .p-{kind}').length") == sum(row["path"] == kind for row in data)
    assert browser.run("document.querySelectorAll('table.grid .bad').length") == sum(row["verdict"] == "fail" for row in data) == 4
    assert browser.run("document.querySelectorAll('table.grid .o-shortfall').length") == 1
    assert browser.texts("table.grid th[scope=col]") == sample.grid_names(46)
    assert browser.texts("table.grid th[scope=row]") == sample.grid_names(46)
    assert browser.run("document.querySelector('table.grid tbody tr:nth-child(2) td:nth-of-type(3) a').getAttribute('aria-label')") == \
        "restricted-cone with port-restricted-cone: direct, passed"


def test_matrix_fits_at_1280_and_scrolls_within_at_400(browser, page_file):
    browser.open(page_file(sample.matrix), "#view=grid")
    assert browser.run("(() => { const s = document.querySelector('.scroll'); return s.scrollWidth <= s.clientWidth; })()")
    header = browser.run("[...document.querySelectorAll('table.grid th[scope=col]')].map((th) => [th, th.firstChild].map((e) => e.getBoundingClientRect().width))")
    assert all(inner <= width + 0.1 for width, inner in header)
    browser.resize(400, 900)
    browser.settled()
    assert browser.run("(() => { const s = document.querySelector('.scroll'); s.scrollLeft = 500; return [s.scrollLeft,"
                       " Math.round(document.querySelector('table.grid tbody th').getBoundingClientRect().left - s.getBoundingClientRect().left)]; })()") == [500, 0]


def test_matrix_with_the_keyboard(browser, page_file):
    browser.open(page_file(sample.matrix), "#view=grid")
    browser.run("document.querySelector('table.grid a[tabindex=\"0\"]').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        browser.key(key)
    assert browser.run("document.activeElement.getAttribute('aria-label')") == "restricted-cone with port-restricted-cone: direct, passed"
    assert browser.texts("th.lit") == ["port-restricted-cone", "restricted-cone"]
    assert "prediction shortfall" in browser.texts(".readout")[0]
    browser.key("End")
    assert browser.run("document.activeElement.getAttribute('aria-label')").startswith("restricted-cone with freebsd-ipfw-2:")
    browser.key("Enter")
    browser.settled()
    assert browser.texts("h1") == ["matrix/nat-pairs[home.preset=restricted-cone,office.preset=freebsd-ipfw-2]"]


def servers():
    return sample.matrix(24, ("stun", "turn"))


def test_matrix_of_three_axes(browser, page_file):
    browser.open(page_file(servers), "#view=grid")
    assert browser.texts(".found") == ["1,152 cases in 576 cells"]
    assert browser.run("document.querySelectorAll('.grid-place .p-mixed').length") == sum(
        sample.outcome(i, j) == "relay" for i in range(24) for j in range(24))
    assert browser.run("document.querySelectorAll('.grid-place .p-mixed i').length") == 2 * browser.run(
        "document.querySelectorAll('.grid-place .p-mixed').length")
    label = "document.querySelector('table.grid tbody tr:nth-child(1) td:nth-of-type(4) a').getAttribute('aria-label')"
    assert browser.run(label) == "full-cone with symmetric: 2 cases, 1 no path, 1 relay, passed"
    browser.run("document.querySelector('table.grid tbody tr:nth-child(1) td:nth-of-type(4) a').focus()")
    assert "stun No path" in browser.texts(".readout")[0] and "turn Relay" in browser.texts(".readout")[0]
    choose(browser, "at.servers", "turn")
    assert browser.texts(".found") == ["576 cases in 576 cells"]
    assert browser.run("document.querySelectorAll('.grid-place .p-mixed').length") == 0
    choose(browser, "at.servers", "")
    choose(browser, "cols", "servers")
    assert browser.texts("table.grid th[scope=col]") == ["stun", "turn"]
    assert browser.texts(".found") == ["1,152 cases in 48 cells"]
    assert urllib.parse.parse_qs(browser.run("location.hash.slice(1)")) == {"view": ["grid"], "cols": ["servers"]}
    choose(browser, "rows", "servers")
    assert browser.texts("table.grid th[scope=row]") == ["stun", "turn"]
    assert browser.texts("table.grid th[scope=col]") == sample.grid_names(24)
    assert browser.complaints() == []


def test_a_cell_of_several_cases_opens_just_these(browser, page_file):
    """Also where the axis in which they differ is the first of the name, and one value begins like another."""
    browser.open(page_file(servers), "#view=grid")
    browser.click("table.grid tbody tr:nth-child(1) td:nth-of-type(4) a")
    assert browser.texts(".found") == ["2 of 1,152 cases"]
    assert len(browser.texts(".case-row")) == 2
    assert all("symmetric" in name and "full-cone" in name for name in browser.texts(".case-row .case-name"))
    rows, cols = browser.texts(".axes .chip .axis")
    assert browser.texts(".axes .chip") == [f"{rows}full-cone✕", f"{cols}symmetric✕"]
    browser.click(".axes .chip:last-child")
    assert browser.texts(".found") == ["48 of 1,152 cases"]
    assert urllib.parse.parse_qs(browser.run("location.hash.slice(1)")) == {f"at.{rows}": ["full-cone"]}
    browser.click(".axes .chip")
    assert browser.texts(".found") == ["1,152 cases"]
    assert browser.run("location.hash") == ""


def test_two_thousand_cases(browser, page_file, pictures):
    browser.open(page_file(sample.many))
    assert browser.run("document.querySelectorAll('.case-row').length") == 2000
    assert browser.texts(".found") == ["2,000 cases"]
    browser.type("input[type=search]", "number 1234,")
    assert names(browser) == ["folder-10/case-1234[seed=1234]"]
    browser.click(".case-row")
    assert browser.texts(".facts code") == ["1234"]
    assert browser.run("document.querySelectorAll('.row[data-n]').length") == 100
    assert browser.complaints() == []
