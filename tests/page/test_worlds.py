"""The view of two worlds: what was compared, what differs first, what was left out."""
import sample


def compared():
    doc = sample.small()
    def item(what, virtual, live, apart=None, bound=None, differs=False):
        return {"what": what, "virtual": virtual, "live": live, "apart_ns": apart, "bound_ns": bound, "differs": differs}
    doc.index["agree"] = {
        "format": "hairpin-agree/1", "hairpin": "0.1.0",
        "totals": {"cases": 3, "agrees": 1, "differs": 1, "invalid": 0, "left-out": 1},
        "cases": [
            {"case": "same", "file": "same.yaml", "outcome": "agrees", "why": None, "repeated": False, "virtual": "pass",
             "live": "pass", "items": [item("verdict", "pass", "pass")]},
            {"case": "late", "file": "late.yaml", "outcome": "differs", "why": "a slow start", "repeated": True,
             "virtual": "pass", "live": "pass",
             "items": [item("verdict", "pass", "pass"),
                       item("alice with bob: connected", "200ms", "600ms", 400_000_000, 300_000_000, True)]},
            {"case": "gone", "file": "gone.yaml", "outcome": "left-out", "why": "it takes a day", "repeated": False,
             "virtual": None, "live": None, "items": []},
        ]}
    return doc


def test_differences_come_first(browser, page_file, pictures):
    browser.open(page_file(compared), "#view=worlds")
    assert browser.texts("h1") == ["Two worlds"]
    assert browser.texts(".found") == ["1 differs, 1 agrees, 1 left-out"]
    assert browser.texts("h2") == ["Differs (1)", "Agrees (1)", "Left out (1)"]
    assert browser.texts("details[open] tbody tr:first-child th") == ["alice with bob: connected"]
    assert browser.texts("details[open] tbody tr:first-child td") == ["200ms", "600ms", "400 ms of 300 ms", "differs"]
    assert "it takes a day" in browser.texts(".metric-note")


def test_a_page_without_says_so(browser, page_file):
    browser.open(page_file(sample.small), "#view=worlds")
    assert browser.texts(".complaint") == ["This report compares no worlds."]
